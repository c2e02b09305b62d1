"""After a change was answered, the very next request is judged by it, whatever connection it comes on."""

import threading
import unittest

from node import ADA, SharedNodeTest, at_once, basic

CONNECTIONS = 8
ROUNDS = 25


class Revocation(SharedNodeTest):
    def setUp(self):
        super().setUp()
        self.key = self.create()
        self.path = f"{self.keys}/{self.key['id']}"
        self.clients = [self.node.client(checks=False) for _ in range(CONNECTIONS)]
        for client in self.clients:
            self.addCleanup(client.close)
            client.get("/healthz")

    def patch(self, **members):
        answer = self.node.patch(self.path, members, token=self.token)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def verdicts(self):
        """What each of the connections is told, all at once."""
        return at_once(*[lambda client=client: client.verify(self.key["value"], ADA) for client in self.clients])

    def doors(self):
        return set(at_once(*[lambda client=client: client.sign_in(ADA, self.key["value"]) for client in self.clients]))

    def test_a_key_is_disabled_and_enabled_again_for_everybody(self):
        for _ in range(ROUNDS):
            self.patch(enabled=False)
            self.assertEqual({verdict["code"] for verdict in self.verdicts()}, {"DISABLED"})
            self.assertEqual(self.doors(), {401})
            self.patch(enabled=True)
            self.assertEqual({verdict["code"] for verdict in self.verdicts()}, {"VALID"})
            self.assertEqual(self.doors(), {200})

    def test_a_key_is_renamed_for_everybody(self):
        for i in range(ROUNDS):
            version = self.patch(name=f"name {i}")["version"]
            self.assertEqual({(verdict["name"], verdict["version"]) for verdict in self.verdicts()},
                             {(f"name {i}", version)})

    def test_an_accounts_username_is_changed_for_everybody(self):
        for i in range(ROUNDS):
            username = ADA if i % 2 else "bob@example.com"
            answer = self.node.put(f"/v1/accounts/{self.account}", {"username": username}, token=self.token)
            self.assertEqual(answer.status, 200)
            expected = "VALID" if i % 2 else "USERNAME_MISMATCH"
            self.assertEqual({verdict["code"] for verdict in self.verdicts()}, {expected})

    def test_a_key_is_deleted_for_everybody(self):
        for _ in range(ROUNDS):
            self.assertEqual({verdict["code"] for verdict in self.verdicts()}, {"VALID"})
            self.assertEqual(self.node.delete(self.path, token=self.token).status, 204)
            self.assertEqual({verdict["code"] for verdict in self.verdicts()}, {"NOT_FOUND"})
            self.assertEqual(self.doors(), {401})
            self.key = self.create()
            self.path = f"{self.keys}/{self.key['id']}"

    def test_under_load_no_request_that_began_after_the_answer_is_let_in(self):
        """Others keep asking while the key is disabled: from the answer on, what begins is refused."""
        revoked, stop = threading.Event(), threading.Event()
        headers = {"Authorization": basic(ADA, self.key["value"])}

        def ask(client):
            wrong, refused = 0, 0
            while not stop.is_set():
                began_after = revoked.is_set()
                status = client.get("/v1/forward-auth", headers=headers).status
                wrong += began_after and status != 401
                refused += began_after and status == 401
                if refused > 20:
                    break
            return wrong, refused

        def change():
            self.patch(enabled=False)
            revoked.set()
            return 0, 21

        try:
            results = at_once(change, *[lambda client=client: ask(client) for client in self.clients])
        finally:
            stop.set()
        self.assertEqual(results, [(0, 21)] * (CONNECTIONS + 1))


if __name__ == "__main__":
    unittest.main()
