"""A revocation that can be waited for: after `applied_everywhere`, no node lets the key pass, whatever became of it."""

import signal
import threading
import time
import unittest

from deployment import DeploymentTest, metric
from node import eventually

LEASE = 3  # Seconds.
SLACK = 2  # Seconds that a busy machine may take longer.
REVOCATIONS = 200


class Revocation(DeploymentTest):
    def setUp(self):
        super().setUp()
        flags = ("--max-staleness", f"{LEASE}s")
        self.first = self.deployment.start(*flags)
        self.second = self.deployment.start(*flags)
        self.leader = self.deployment.leader()
        self.other = self.deployment.standby()
        self.token = self.leader.token()
        for node in (self.first, self.second):
            self.wait_until_it_validates(node)

    def wait_until_it_validates(self, node):
        eventually(lambda: metric(node, "keyledger_lease_holds") == 1, "it may validate")

    def disable(self, key, wait, node=None):
        """Disables it, and gives back the answer and how long that took."""
        path = f"/v1/accounts/acme/keys/{key['id']}"
        while True:  # A node that comes or goes may have the leader elected anew.
            began = time.monotonic()
            answer = (node or self.leader).patch(path, {"enabled": False}, token=self.token, fresh=True,
                                                 headers={"Prefer": f"wait={wait}"})
            if answer.status != 503 or not answer.json["type"].endswith("not-leader"):
                break
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["preference-applied"], f"wait={wait}")
        return answer.json, time.monotonic() - began

    def known_key(self):
        """A key that both nodes let pass."""
        key = self.leader.create(self.token)
        for node in (self.first, self.second):
            eventually(lambda node=node: self.code(node, key) == "VALID", "the key is known")
        return key

    def code(self, node, key):
        """What a node says of a key; its status where it doesn't judge."""
        answer = node.post("/v1/verify", {"key": key["value"]}, fresh=True)
        return answer.json["code"] if answer.status == 200 else answer.status

    def pause(self, node):
        node.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.resume, node)

    def resume(self, node):
        if node.process is not None:
            node.process.send_signal(signal.SIGCONT)

    def test_with_all_nodes_well_it_is_everywhere_at_once_whichever_is_asked(self):
        for node in (self.leader, self.other) * 3:
            key = self.known_key()
            answer, took = self.disable(key, 20, node)
            self.assertIs(answer["applied_everywhere"], True)
            self.assertNotIn("not_applied_by", answer)
            self.assertLess(took, LEASE / 2)
            self.assertEqual([self.code(it, key) for it in (self.first, self.second)], ["DISABLED"] * 2)
            again, _ = self.disable(key, 20, node)
            self.assertIs(again["applied_everywhere"], True, "a change of nothing waits as well")
        answer = self.leader.delete(f"/v1/accounts/acme/keys/{key['id']}", token=self.token,
                                    headers={"Prefer": "wait=20"})
        self.assertEqual((answer.status, answer.json),
                         (200, {"id": key["id"], "deleted": True, "applied_everywhere": True}))
        self.assertEqual([self.code(it, key) for it in (self.first, self.second)], ["NOT_FOUND"] * 2)

    def test_while_somebody_hammers_the_other_node_no_answer_is_late(self):
        keys = [self.leader.create(self.token) for _ in range(REVOCATIONS)]
        revoked = {}  # Key id -> when it was said to be revoked everywhere.
        late, lags, ended = [], [], threading.Event()
        current = {}

        def hammer():
            client = self.other.client()
            try:
                while not ended.is_set():
                    key = current.get("key")
                    if key is None:
                        continue
                    asked = time.monotonic()
                    answer = client.post("/v1/verify", {"key": key["value"]})
                    if answer.json.get("code") == "VALID" and asked > revoked.get(key["id"], float("inf")):
                        late.append(key)
            finally:
                client.close()

        threads = [threading.Thread(target=hammer) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for key in keys:
                current["key"] = key
                answer, took = self.disable(key, 20)
                self.assertIs(answer["applied_everywhere"], True)
                revoked[key["id"]] = time.monotonic()
                lags.append(took)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        self.assertEqual(late, [])
        lags.sort()
        print(f"revoked everywhere in {lags[len(lags) // 2] * 1000:.0f} ms (median), "
              f"{lags[len(lags) * 99 // 100] * 1000:.0f} ms (p99), {lags[-1] * 1000:.0f} ms (at most)")

    def test_a_suspended_node_delays_it_by_a_lease_and_lets_nothing_pass_when_it_wakes(self):
        key = self.known_key()
        self.pause(self.other)
        answer, took = self.disable(key, 1)
        self.assertIs(answer["applied_everywhere"], False)
        self.assertEqual(len(answer["not_applied_by"]), 1)
        self.assertGreaterEqual(took, 1)
        answer, took = self.disable(key, 20)
        self.assertIs(answer["applied_everywhere"], True)
        self.assertLess(took, LEASE + SLACK)
        self.resume(self.other)
        codes = []
        deadline = time.monotonic() + LEASE
        while time.monotonic() < deadline:
            codes.append(self.code(self.other, key))
        self.assertEqual(set(codes) - {503, "DISABLED"}, set())
        eventually(lambda: self.code(self.other, key) == "DISABLED", "it validates again")

    def test_a_killed_node_delays_it_by_a_lease(self):
        key = self.known_key()
        self.other.kill()
        answer, took = self.disable(key, 20)
        self.assertIs(answer["applied_everywhere"], True)
        self.assertLess(took, LEASE + SLACK)
        self.other.start()
        eventually(lambda: self.code(self.other, key) == "DISABLED", "it validates again")

    def test_a_stopped_node_delays_nothing(self):
        key = self.known_key()
        self.other.stop()
        answer, took = self.disable(key, 20)
        self.assertIs(answer["applied_everywhere"], True)
        self.assertLess(took, LEASE / 2)

    def test_a_node_that_starts_meanwhile_knows_it_before_it_validates(self):
        for _ in range(3):
            key = self.known_key()
            self.other.kill()
            self.other.launch()
            answer, _ = self.disable(key, 20)
            self.assertIs(answer["applied_everywhere"], True)
            self.other.wait_until_listening()
            codes = []
            while not codes or codes[-1] == 503:
                codes.append(self.code(self.other, key))
            self.assertEqual(codes[-1], "DISABLED")

    def test_without_brokers_nodes_validate_for_a_lease_and_no_longer(self):
        key = self.known_key()
        self.cluster.brokers[0].kill()
        began = time.monotonic()
        self.assertEqual(self.code(self.other, key), "VALID")
        while self.code(self.other, key) == "VALID":
            self.assertLess(time.monotonic() - began, LEASE + SLACK)
        self.assertGreater(time.monotonic() - began, LEASE / 2)
        self.assertEqual(self.code(self.other, key), 503)
        ready = self.other.get("/readyz", fresh=True)
        self.assertEqual(ready.status, 503)
        self.assertIn("may not validate", " ".join(ready.json["reasons"]))
        self.cluster.brokers[0].start()
        eventually(lambda: self.code(self.other, key) == "VALID", "it validates again")

    def test_without_brokers_a_node_stops_soon(self):
        self.cluster.brokers[0].kill()
        eventually(lambda: metric(self.other, "keyledger_lease_holds") == 0, "its lease has run out")
        began = time.monotonic()
        self.other.stop()
        self.assertLess(time.monotonic() - began, 20)


if __name__ == "__main__":
    unittest.main()
