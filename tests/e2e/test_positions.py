"""Read your writes, and revocation that can be waited for: positions, minimum positions and Prefer: wait."""

import threading
import unittest

from node import NodeTest, SharedNodeTest, at_once, basic
from operations import OPERATIONS

FAR = 10**15


class Positions(SharedNodeTest):
    def test_they_grow_by_the_events_of_each_command_and_by_nothing_else(self):
        key = self.create()
        path = f"{self.keys}/{key['id']}"
        start = self.node.get("/healthz").position
        for ask, grown in ((lambda: self.node.patch(path, {"name": "b"}, token=self.token), 1),
                           (lambda: self.node.patch(path, {"name": "b"}, token=self.token), 0),
                           (lambda: self.node.patch(path, {"name": "c", "enabled": False}, token=self.token), 2),
                           (lambda: self.node.get(path, token=self.token), 0),
                           (lambda: self.node.post(f"{path}/reveal", token=self.token), 1),
                           (lambda: self.node.patch(path, {"name": ""}, token=self.token), 0),
                           (lambda: self.node.delete(path, token=self.token), 1),
                           (lambda: self.node.delete(path, token=self.token), 0)):
            answer = ask()
            start += grown
            self.assertEqual(answer.position, start, answer)
        self.assertEqual(self.events()[-1]["position"], start)

    def test_a_position_that_was_told_is_reached_at_once_everywhere(self):
        key = self.create()
        position = self.node.get("/healthz").position
        for operation in OPERATIONS:
            if not operation.template.startswith("/v1/"):
                continue
            path = operation.path(self.account, key["id"])
            headers = {"Keyledger-Min-Position": str(position)}
            if operation.id == "forwardAuth":
                headers["Authorization"] = basic("", key["value"])
            answer = self.node.request(operation.method, path, operation.body, token=self.token, headers=headers)
            self.assertNotEqual(answer.status, 503, operation.id)
            self.assertGreaterEqual(answer.position, position)
            if operation.id != "forwardAuth":
                answer = self.node.request(operation.method, f"{path}?min_position={position}", operation.body,
                                           token=self.token)
                self.assertNotEqual(answer.status, 503, operation.id)

    def test_what_had_to_wait_for_a_position_names_it(self):
        key = self.create()
        asked = [("POST", "/v1/verify", {"key": key["value"]}), ("POST", "/v1/verify", {"key": "no key"}),
                 ("POST", "/v1/verify/batch", {"keys": [{"key": key["value"]}]}),
                 ("GET", self.keys, None), ("GET", f"{self.keys}/{key['id']}", None),
                 ("GET", f"{self.keys}/key_00000000000000000000000000", None),
                 ("GET", f"{self.keys}/key_00000000000000000000000000/events", None),
                 ("GET", f"/v1/accounts/{self.account}/events", None)]
        for method, path, body in asked:
            to_come = self.node.get("/healthz").position + 1
            client, other = self.node.client(), self.node.client()
            started = threading.Event()

            def ask(client=client, method=method, path=path, body=body, to_come=to_come, started=started):
                started.set()
                return client.request(method, path, body, token=self.token,
                                      headers={"Keyledger-Min-Position": str(to_come)})

            def write(other=other, started=started):
                started.wait()
                threading.Event().wait(0.05)  # Most likely it waits by now; if it doesn't, that is right too.
                return other.create(self.token, self.account)
            answer, _ = at_once(ask, write)
            self.assertGreaterEqual(answer.position, to_come, (path, answer))
            client.close()
            other.close()

    def test_what_is_no_position_is_400(self):
        for text in ("", "x", "-1", "1.0", "0x10", "1e3", "18446744073709551616", "1 2", "1,2"):
            for method, path, body in (("POST", "/v1/verify", {"key": "x"}), ("GET", self.keys, None),
                                       ("POST", self.keys, {"name": "a"}), ("GET", "/v1/forward-auth", None)):
                answer = self.node.request(method, path, body, token=self.token,
                                           headers={"Keyledger-Min-Position": text})
                self.assertEqual(answer.status, 400, (path, text))
        for text in ("", "x", "-1", "%201", "18446744073709551616"):
            self.assertEqual(self.node.get(f"{self.keys}?min_position={text}", token=self.token).status, 400, text)

    def test_an_unreachable_position_is_503_after_a_bounded_wait_and_writes_nothing(self):
        key = self.create()
        before = self.events()
        managed = [one for one in OPERATIONS if one.template.startswith("/v1/")]

        def ask(operation, header):
            client = self.node.client()
            path = operation.path(self.account, key["id"])
            headers = {"Keyledger-Min-Position": str(FAR)} if header else {}
            try:
                return client.request(operation.method, path if header else f"{path}?min_position={FAR}",
                                      operation.body,
                                      token=self.token, headers=headers)
            finally:
                client.close()

        asks = [(operation, header) for operation in managed for header in (True, False)
                if header or operation.id != "forwardAuth"]
        answers = at_once(*[lambda one=one: ask(*one) for one in asks])
        for (operation, header), answer in zip(asks, answers, strict=True):
            with self.subTest(f"{operation.id} {'header' if header else 'query'}"):
                self.assertEqual((answer.status, answer.json["type"]), (503, "urn:keyledger:problem:not-caught-up"))
                self.assertEqual(answer.headers["retry-after"], "1")
        self.assertEqual(self.events(), before)

    def test_the_greater_of_header_and_parameter_counts(self):
        small, great = "0", str(FAR)
        asks = [(small, great), (great, small)]
        answers = at_once(*[lambda one=one: self.node.get(
            f"{self.keys}?min_position={one[1]}", token=self.token, fresh=True,
            headers={"Keyledger-Min-Position": one[0]}) for one in asks])
        self.assertEqual([answer.status for answer in answers], [503, 503])

    def test_who_waits_for_the_next_event_is_answered_when_it_comes(self):
        self.create()
        for _ in range(5):
            position = self.node.get("/healthz").position

            def wait(position=position):
                return self.node.get(self.keys, token=self.token, fresh=True,
                                     headers={"Keyledger-Min-Position": str(position + 1)})

            found, made = at_once(wait, lambda: self.node.post(self.keys, {"name": "new"}, token=self.token,
                                                               fresh=True))
            self.assertEqual((found.status, made.status), (200, 201))
            self.assertIn(made.json["id"], [key["id"] for key in found.json["keys"]])


class Waiting(SharedNodeTest):
    def test_a_change_is_applied_everywhere_at_once_where_there_is_one_node(self):
        path = f"{self.keys}/{self.create()['id']}"
        for members in ({"enabled": False}, {"enabled": False}, {}, {"name": "b", "enabled": True}):
            answer = self.node.patch(path, members, token=self.token, headers={"Prefer": "wait=5"})
            self.assertEqual((answer.status, answer.json["applied_everywhere"]), (200, True))
            self.assertEqual(answer.headers["preference-applied"], "wait=5")
        self.assertEqual(answer.json["version"], 4)

    def test_a_deletion_is_then_a_200_that_says_so(self):
        key = self.create()
        answer = self.node.delete(f"{self.keys}/{key['id']}", token=self.token, headers={"Prefer": "wait=5"})
        self.assertEqual((answer.status, answer.headers["preference-applied"], answer.json),
                         (200, "wait=5", {"id": key["id"], "deleted": True, "applied_everywhere": True}))
        self.assertEqual(self.node.verify(key["value"])["code"], "NOT_FOUND")
        answer = self.node.delete(f"{self.keys}/{key['id']}", token=self.token, headers={"Prefer": "wait=5"})
        self.assertEqual(answer.status, 404)

    def test_a_preference_is_read_as_in_rfc_7240(self):
        for prefer, applied in (("wait=0", "wait=0"), ("WAIT=7", "wait=7"), ('wait="7"', "wait=7"),
                                ("a, wait = 7", "wait=7"),
                                ("respond-async, wait=3, wait=9", "wait=3"), ("wait=7; x=y", "wait=7"), ("wait", None),
                                ("wait=", None), ("wait=x", None), ("wait=-1", None), ("waiting=5", None),
                                ("return=minimal", None)):
            path = f"{self.keys}/{self.create()['id']}"
            changed = self.node.patch(path, {"name": "b"}, token=self.token, headers={"Prefer": prefer})
            self.assertEqual(changed.headers.get("preference-applied"), applied, prefer)
            self.assertEqual("applied_everywhere" in changed.json, applied is not None, prefer)
            deleted = self.node.delete(path, token=self.token, headers={"Prefer": prefer})
            self.assertEqual(deleted.status, 204 if applied is None else 200, prefer)


class AfterRestart(NodeTest):
    def test_a_position_from_before_is_reached_after(self):
        position = self.node.post("/v1/accounts/acme/keys", {"name": "a"}, token=self.token).position
        self.node.kill()
        self.node.start()
        answer = self.node.get("/v1/accounts/acme/keys", token=self.token,
                               headers={"Keyledger-Min-Position": str(position)})
        self.assertEqual((answer.status, len(answer.json["keys"])), (200, 1))


if __name__ == "__main__":
    unittest.main()
