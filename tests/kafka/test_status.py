"""keyledger status: the whole deployment as one of its nodes sees it."""

import json
import unittest

from deployment import DeploymentTest, status
from node import eventually, run


def node_id(node):
    return (node.data_dir / "node-id").read_text().strip()


class Status(DeploymentTest):
    def setUp(self):
        super().setUp()
        self.first = self.deployment.start("--advertise", "http://first.example:8080")
        self.second = self.deployment.start()
        self.leader, self.standby = self.deployment.settled()
        self.replica = self.deployment.start("--roles", "query,verify")
        self.nodes = (self.leader, self.standby, self.replica)
        self.ids = {node: node_id(node) for node in self.nodes}
        self.position = self.leader.post("/v1/accounts/acme/keys", {"name": "a key"},
                                         token=self.leader.token(), headers={"Prefer": "wait=30"}).position

    def test_every_node_tells_the_same(self):
        self.deployment.wait_until_equal()
        for node in self.nodes:
            with self.subTest(node=self.ids[node]):
                shown = status(node)
                self.assertEqual(shown["errors"], [])
                self.assertEqual(shown["log"]["kind"], "kafka")
                self.assertEqual(shown["log"]["end"], self.deployment.replay()[-1]["position"])
                self.assertEqual(shown["leader"]["node"], self.ids[self.leader])
                elected = {it["node"]: it["elected"] for it in shown["candidates"]}
                self.assertEqual(elected, {self.ids[self.leader]: True, self.ids[self.standby]: False})
                self.assertEqual({it["node"] for it in shown["replicas"]}, set(self.ids.values()))
                for it in shown["replicas"]:
                    self.assertGreater(it["lease_left_ms"], 0)
                    self.assertLessEqual(it["lease_left_ms"], it["lease_ms"])
                self.assertIn("http://first.example:8080", {it["url"] for it in shown["replicas"]})
                self.assertEqual(shown["node"]["node"], self.ids[node])
                self.assertEqual((shown["node"]["ready"], shown["node"]["behind"]), (True, 0))

    def test_a_person_reads_who_leads_and_who_could(self):
        text = run("status", "--data-dir", self.replica.data_dir)[0]
        leader = next(line for line in text.splitlines() if line.startswith("leader"))
        self.assertIn(self.ids[self.leader], leader)
        standbys = next(line for line in text.splitlines() if line.startswith("standbys"))
        self.assertIn(self.ids[self.standby], standbys)
        self.assertNotIn(self.ids[self.leader], standbys)
        self.assertEqual(text.count(" s left"), 3, text)

    def test_the_lease_of_a_dead_node_is_seen_to_end(self):
        self.replica.kill()

        def its_lease():
            replicas = status(self.leader)["replicas"]
            return next(it["lease_left_ms"] for it in replicas if it["node"] == self.ids[self.replica])
        eventually(lambda: its_lease() == 0, "the lease has ended")
        self.assertIn("ended, since", run("status", "--data-dir", self.leader.data_dir)[0])

    def test_without_brokers_it_tells_what_it_can(self):
        broker, = self.cluster.brokers
        broker.stop()
        shown = status(self.replica)
        self.assertIsNone(shown["candidates"])
        self.assertTrue(shown["errors"])
        self.assertEqual(shown["leader"]["node"], self.ids[self.leader])
        self.assertIn("unknown", run("status", "--data-dir", self.replica.data_dir)[0])


if __name__ == "__main__":
    unittest.main()
