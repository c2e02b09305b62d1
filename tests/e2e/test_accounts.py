"""Accounts: registered by their own first command or by PUT, and renamed by PUT alone."""

import unittest

from node import ADA, ALL_SCOPES, SharedNodeTest, at_once

BOB = "bob@example.com"


class Accounts(SharedNodeTest):
    def setUp(self):
        super().setUp()
        self.path = f"/v1/accounts/{self.account}"

    def put(self, username, status=200, token=None):
        answer = self.node.put(self.path, {"username": username}, token=token or self.token)
        self.assertEqual(answer.status, status, answer)
        return answer

    def types(self):
        return [event["type"].removeprefix("keyledger.") for event in self.events()]

    def test_the_first_command_registers_the_tokens_own_account(self):
        self.assertEqual(self.node.get(self.path, token=self.token).status, 404)
        self.create()
        account = self.node.get(self.path, token=self.token).json
        self.assertEqual((account["account"], account["username"]), (self.account, ADA))
        events = self.events()
        self.assertEqual([(event["type"], event["commandplace"]) for event in events],
                         [("keyledger.AccountRegistered", "1/2"), ("keyledger.KeyCreated", "2/2")])
        self.assertEqual(account["registered_at"], events[0]["time"])
        self.create()
        self.assertEqual(self.types(), ["AccountRegistered", "KeyCreated", "KeyCreated"])

    def test_who_could_not_be_its_user_must_register_it_first(self):
        anybody = self.node.token("operators", scope=ALL_SCOPES)
        nameless = self.node.token(self.account, username=None)
        for token in (anybody, nameless):
            answer = self.node.post(self.keys, {"name": "a"}, token=token)
            self.assertEqual((answer.status, answer.json["type"]), (409, "urn:keyledger:problem:account-unknown"))
        self.assertEqual(self.types(), [])
        self.put(BOB, 201, anybody)
        for token in (anybody, nameless):
            key = self.node.create(token, self.account)
            self.assertEqual(self.node.verify(key["value"], BOB)["code"], "VALID")

    def test_a_first_command_that_is_refused_registers_nothing(self):
        for body in ({"name": ""}, {"name": "a", "expires_at": "2020-01-01T00:00:00Z"}):
            self.assertEqual(self.node.post(self.keys, body, token=self.token).status, 422)
        missing = f"{self.keys}/key_01M86VC2Q07XJ5B3N9R4T6V8W0"
        self.assertEqual(self.node.patch(missing, {"name": "a"}, token=self.token).status, 404)
        self.assertEqual(self.node.get(self.path, token=self.token).status, 404)
        self.assertEqual(self.types(), [])

    def test_put_registers_renames_or_changes_nothing(self):
        registered = self.put(ADA, 201)
        self.assertEqual(registered.json, self.node.get(self.path, token=self.token).json)
        self.assertEqual(self.put(ADA).json, registered.json)
        renamed = self.put(BOB).json
        self.assertEqual(renamed, {**registered.json, "username": BOB})
        self.assertEqual(self.node.get(self.path, token=self.token).json, renamed)
        self.put(BOB.upper())  # Another spelling is another username, though it signs in as the same.
        self.assertEqual(self.types(), ["AccountRegistered", "AccountUsernameChanged", "AccountUsernameChanged"])

    def test_all_grants_follow_the_new_username_in_the_next_request(self):
        keys = [self.create() for _ in range(30)]
        for username, other in ((BOB, ADA), ("\U0001f511 ä%", BOB), (ADA, "\U0001f511 ä%")):
            self.put(username)
            for right, code in ((username, "VALID"), (other, "USERNAME_MISMATCH")):
                questions = {"keys": [{"key": key["value"], "username": right} for key in keys]}
                results = self.node.post("/v1/verify/batch", questions).json["results"]
                self.assertEqual({result["code"] for result in results}, {code})
            self.assertEqual(self.node.verify(keys[0]["value"])["username"], username)
            self.assertEqual([self.node.sign_in(name, keys[-1]["value"]) for name in (username, other)], [200, 401])
        key = self.node.get(f"{self.keys}/{keys[0]['id']}", token=self.token).json
        self.assertEqual(key["version"], 1)  # The account changed, the keys did not.

    def test_a_key_that_is_disabled_or_made_after_a_rename_has_the_new_username(self):
        disabled = self.create(enabled=False)
        self.put(BOB)
        new = self.create()
        self.assertEqual(self.node.verify(new["value"], BOB)["code"], "VALID")
        self.assertEqual(self.node.verify(disabled["value"], BOB)["code"], "DISABLED")
        self.node.patch(f"{self.keys}/{disabled['id']}", {"enabled": True}, token=self.token)
        self.assertEqual(self.node.verify(disabled["value"], ADA)["code"], "USERNAME_MISMATCH")

    def test_another_username_in_a_later_token_renames_nobody(self):
        key = self.create()
        stranger = self.node.token(self.account, username="eve@example.com")
        self.node.create(stranger, self.account)
        self.node.patch(f"{self.keys}/{key['id']}", {"name": "b"}, token=stranger)
        self.assertEqual(self.node.get(self.path, token=stranger).json["username"], ADA)
        self.assertEqual(self.node.verify(key["value"], ADA)["code"], "VALID")
        last = self.events()[-1]
        self.assertEqual((last["type"], last["data"]["actor"]["username"]), ("keyledger.KeyRenamed", "eve@example.com"))

    def test_two_accounts_may_have_the_same_username_and_keep_their_keys_apart(self):
        other = f"{self.account}-b"
        mine, theirs = self.create(), self.node.create(self.node.token(other), other)
        self.assertEqual([self.node.verify(key["value"], ADA)["account"] for key in (mine, theirs)],
                         [self.account, other])
        self.put(BOB)
        self.assertEqual(self.node.verify(theirs["value"], ADA)["code"], "VALID")

    def test_first_commands_at_the_same_time_register_once(self):
        clients = [self.node.client() for _ in range(8)]
        answers = at_once(*[lambda client=client: client.post(self.keys, {"name": "a"}, token=self.token)
                            for client in clients])
        for client in clients:
            client.close()
        self.assertEqual([answer.status for answer in answers], [201] * 8)
        self.assertEqual(self.types().count("AccountRegistered"), 1)
        self.assertEqual(self.types().count("KeyCreated"), 8)

    def test_an_account_id_has_1_to_64_plain_characters_in_their_case(self):
        for account in ("a", "A.b_c-9", "x" * 64, "-"):
            token = self.node.token(account)
            self.assertEqual(self.node.put(f"/v1/accounts/{account}", {"username": ADA}, token=token).status, 201,
                             account)
        upper = self.node.token(self.account.upper())
        self.create()
        self.assertEqual(self.node.get(self.path, token=upper).status, 404)


if __name__ == "__main__":
    unittest.main()
