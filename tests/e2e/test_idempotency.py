"""Idempotency-Key: a request that is repeated gets the first one's result, and nothing happens twice."""

import unittest

from node import ADA, NodeTest, SharedNodeTest, at_once


def keyed(name="first", **more):
    return {"Idempotency-Key": name, **more}


class Repeats(SharedNodeTest):
    def types(self):
        return [event["type"].removeprefix("keyledger.") for event in self.events()]

    def post(self, body, name="first", **kwargs):
        return self.node.post(self.keys, body, headers=keyed(name), **{"token": self.token, **kwargs})

    def assert_replayed(self, again, first):
        self.assertEqual(again.headers.get("idempotency-replayed"), "true")
        self.assertNotIn("idempotency-replayed", first.headers)
        self.assertEqual((again.status, again.body), (first.status, first.body))
        for name in ("location", "etag", "preference-applied", "keyledger-position"):
            self.assertEqual(again.headers.get(name), first.headers.get(name), name)

    def test_a_created_key_is_given_again_with_its_value(self):
        first = self.post({"name": "a", "description": "b"})
        again = self.post({"name": "a", "description": "b"})
        self.assertIn("value", first.json)
        self.assert_replayed(again, first)
        self.assertEqual(self.types(), ["AccountRegistered", "KeyCreated"])

    def test_it_is_given_as_it_was_then_and_not_as_it_is_now(self):
        first = self.post({"name": "a"})
        self.node.patch(f"{self.keys}/{first.json['id']}", {"name": "b", "enabled": False}, token=self.token)
        self.assert_replayed(self.post({"name": "a"}), first)

    def test_spaces_and_order_make_no_other_request(self):
        first = self.post({"name": "a", "enabled": False})
        again = self.node.post(self.keys, b'{ "enabled" : false,\n "n\\u0061me":"a" }', token=self.token,
                               headers=keyed(**{"Content-Type": "application/json"}))
        self.assert_replayed(again, first)

    def test_another_request_with_the_same_key_is_422(self):
        created = self.post({"name": "a"}).json
        path = f"{self.keys}/{created['id']}"
        others = [self.post({"name": "b"}), self.post({"name": "a", "enabled": True}),
                  self.node.patch(path, {"name": "a"}, token=self.token, headers=keyed()),
                  self.node.delete(path, token=self.token, headers=keyed()),
                  self.node.post(f"{path}/reveal", token=self.token, headers=keyed()),
                  self.node.put(f"/v1/accounts/{self.account}", {"username": "bob"}, token=self.token, headers=keyed())]
        for answer in others:
            self.assertEqual((answer.status, answer.json["type"]), (422, "urn:keyledger:problem:idempotency-mismatch"))
        self.assertEqual(self.types(), ["AccountRegistered", "KeyCreated"])

    def test_the_same_request_on_another_key_is_another_request(self):
        one, two = self.create(), self.create()
        patch = {"enabled": False}
        self.assertEqual(self.node.patch(f"{self.keys}/{one['id']}", patch, token=self.token, headers=keyed()).status,
                         200)
        answer = self.node.patch(f"{self.keys}/{two['id']}", patch, token=self.token, headers=keyed())
        self.assertEqual(answer.status, 422)
        self.assertEqual(self.node.verify(two["value"])["code"], "VALID")

    def test_each_subject_and_each_account_has_names_of_its_own(self):
        tokens = [(self.account, self.token), (self.account, self.node.token(self.account, subject="user-7")),
                  (f"{self.account}-b", self.node.token(f"{self.account}-b"))]
        answers = [self.node.post(f"/v1/accounts/{account}/keys", {"name": "a"}, token=token, headers=keyed())
                   for account, token in tokens]
        self.assertEqual([answer.status for answer in answers], [201] * 3)
        self.assertEqual(len({answer.json["id"] for answer in answers}), 3)
        self.assertEqual([answer.headers.get("idempotency-replayed") for answer in answers], [None] * 3)

    def test_a_new_token_of_the_same_subject_repeats_the_request(self):
        first = self.post({"name": "a"})
        again = self.post({"name": "a"}, token=self.node.token(self.account, ttl="2h"))
        self.assert_replayed(again, first)
        lacking = self.node.token(self.account, scope="keys:read")
        self.assertEqual(self.post({"name": "a"}, token=lacking).status, 403)

    def test_duplicates_at_the_same_time_make_one_key(self):
        clients = [self.node.client() for _ in range(8)]
        for i in range(5):
            ask = {"token": self.token, "headers": keyed(f"at-once-{i}")}
            answers = at_once(*[lambda client=client, ask=ask: client.post(self.keys, {"name": "a"}, **ask)
                                for client in clients])
            self.assertEqual({(answer.status, answer.body) for answer in answers}, {(201, answers[0].body)})
            self.assertEqual(sum("idempotency-replayed" not in answer.headers for answer in answers), 1)
        for client in clients:
            client.close()
        self.assertEqual(self.types(), ["AccountRegistered"] + ["KeyCreated"] * 5)

    def test_what_was_refused_is_decided_again(self):
        refused = self.post({"name": "a", "expires_at": "2020-01-01T00:00:00Z"})
        self.assertEqual(refused.status, 422)
        created = self.post({"name": "a"})
        self.assertEqual((created.status, created.headers.get("idempotency-replayed")), (201, None))
        path = f"{self.keys}/{created.json['id']}"
        for tag, status in (('"v2"', 412), ('"v1"', 200)):
            headers = keyed("patch", **{"If-Match": tag})
            answer = self.node.patch(path, {"name": "b"}, token=self.token, headers=headers)
            self.assertEqual((answer.status, answer.headers.get("idempotency-replayed")), (status, None))

    def test_what_changed_nothing_is_decided_again(self):
        key = self.create()
        path = f"{self.keys}/{key['id']}"
        nothing = self.node.patch(path, {"enabled": True}, token=self.token, headers=keyed())
        self.assertEqual((nothing.status, nothing.json["version"]), (200, 1))
        self.node.patch(path, {"enabled": False}, token=self.token)
        now = self.node.patch(path, {"enabled": True}, token=self.token, headers=keyed())
        self.assertEqual((now.json["version"], now.json["enabled"], now.headers.get("idempotency-replayed")),
                         (3, True, None))

    def test_a_deleted_key_is_given_again_without_its_value(self):
        first = self.post({"name": "a"})
        path = f"{self.keys}/{first.json['id']}"
        revealed = self.node.post(f"{path}/reveal", token=self.token, headers=keyed("reveal"))
        self.node.delete(path, token=self.token)
        again = self.post({"name": "a"})
        self.assertEqual((again.status, again.headers.get("idempotency-replayed")), (201, "true"))
        self.assertEqual(again.json, {name: first.json[name] for name in first.json if name != "value"})
        self.assertEqual(revealed.status, 200)
        self.assertEqual(self.node.post(f"{path}/reveal", token=self.token, headers=keyed("reveal")).status, 410)

    def test_every_command_can_be_repeated(self):
        account = f"/v1/accounts/{self.account}"
        path = None
        asks = [lambda: self.node.put(account, {"username": ADA}, token=self.token, headers=keyed("put")),
                lambda: self.node.put(account, {"username": "bob"}, token=self.token, headers=keyed("rename")),
                lambda: self.post({"name": "a"}, "create"),
                lambda: self.node.patch(path, {"name": "b", "enabled": False, "reason": "c"}, token=self.token,
                                        headers=keyed("patch", Prefer="wait=1")),
                lambda: self.node.post(f"{path}/reveal", token=self.token, headers=keyed("reveal")),
                lambda: self.node.delete(f"{path}?reason=done", token=self.token, headers=keyed("delete"))]
        statuses = []
        for ask in asks:
            first, again = ask(), ask()
            self.assert_replayed(again, first)
            statuses.append(first.status)
            if first.status == 201 and "id" in first.json:
                path = first.headers["location"]
        self.assertEqual(statuses, [201, 200, 201, 200, 200, 204])
        self.assertEqual(self.types(), ["AccountRegistered", "AccountUsernameChanged", "KeyCreated", "KeyRenamed",
                                        "KeyDisabled", "KeyValueRevealed", "KeyDeleted"])
        later = [ask() for ask in asks]
        self.assertEqual([answer.headers.get("idempotency-replayed") for answer in later],
                         ["true"] * 4 + [None, "true"])
        self.assertEqual([answer.status for answer in later], [201, 200, 201, 200, 410, 204])

    def test_the_key_is_1_to_255_visible_characters_in_one_header(self):
        for name in ("", "a b", "\u00e9", "a" * 256, "\x7f"):
            answer = self.node.post(self.keys, {"name": "a"}, token=self.token,
                                    headers={"Idempotency-Key": name.encode("latin-1")})
            self.assertEqual(answer.status, 400, name)
        for name in ("a" * 255, '"quoted"', "!~"):
            self.assertEqual(self.post({"name": "a"}, name).status, 201, name)
        body = b'{"name":"a"}'
        head = (f"POST {self.keys} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self.token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 12\r\nIdempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n")
        self.assertEqual(self.node.send(head.encode() + body, "POST", self.keys).status, 400)


class Restarts(NodeTest):
    def test_a_request_from_before_a_restart_or_a_kill_is_repeated_with_the_value(self):
        asks = {name: lambda name=name: self.node.post("/v1/accounts/acme/keys", {"name": name}, token=self.token,
                                                       headers=keyed(name)) for name in ("a", "b")}
        first = {name: ask() for name, ask in asks.items()}
        for end in (self.node.stop, self.node.kill):
            end()
            self.node.start()
            for name, ask in asks.items():
                again = ask()
                self.assertEqual((again.status, again.body), (201, first[name].body))
                self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.assertEqual(len(self.node.get("/v1/accounts/acme/keys", token=self.token).json["keys"]), 2)


class ValuesOnce(SharedNodeTest):
    FLAGS = ("--values", "once")

    def test_the_value_is_given_at_creation_and_no_other_time(self):
        key = self.create()
        self.assertEqual(self.node.verify(key["value"])["code"], "VALID")
        answer = self.node.post(f"{self.keys}/{key['id']}/reveal", token=self.token)
        self.assertEqual((answer.status, answer.json["type"]), (410, "urn:keyledger:problem:gone"))
        self.assertEqual(len(self.events()), 2)
        self.assertNotIn("value", self.node.get(f"{self.keys}/{key['id']}", token=self.token).json)

    def test_a_repeated_request_still_gets_it_and_reveal_still_does_not(self):
        ask = {"token": self.token, "headers": keyed()}
        first = self.node.post(self.keys, {"name": "a"}, **ask)
        again = self.node.post(self.keys, {"name": "a"}, **ask)
        self.assertEqual((again.status, again.json), (201, first.json))
        self.assertIn("value", again.json)
        self.assertEqual(self.node.post(f"{self.keys}/{first.json['id']}/reveal", token=self.token).status, 410)

    def test_a_key_that_is_not_there_is_404_also_here(self):
        key = self.create()
        self.node.delete(f"{self.keys}/{key['id']}", token=self.token)
        self.assertEqual(self.node.post(f"{self.keys}/{key['id']}/reveal", token=self.token).status, 404)


class ValuesOnceLater(NodeTest):
    def test_values_from_before_are_not_given_out_either(self):
        key = self.node.create(self.token)
        reveal = f"/v1/accounts/acme/keys/{key['id']}/reveal"
        self.assertEqual(self.node.post(reveal, token=self.token).json, {"value": key["value"]})
        self.node.restart("--values", "once")
        self.assertEqual(self.node.post(reveal, token=self.token).status, 410)
        self.assertEqual(self.node.verify(key["value"])["code"], "VALID")


if __name__ == "__main__":
    unittest.main()
