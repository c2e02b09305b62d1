"""From one machine to several: an embedded log is copied into Kafka, and nobody's key notices."""

import json
import shutil
import unittest

from deployment import DeploymentTest
from node import Node, eventually, run


class LogCopy(DeploymentTest):
    def setUp(self):
        super().setUp()
        self.data = self.deployment.work / "embedded"

    def embedded(self):
        """A node on the embedded log that the deployment's key ring goes with."""
        return Node(self.data, "--key-ring", self.deployment.ring)

    def copy(self, expect=0):
        said, complaint = run("log", "copy", "--data-dir", self.data, *self.deployment.kafka, expect=expect)
        return json.loads(said) if expect == 0 else complaint

    def test_the_copy_is_the_same_log_and_is_gone_on_with(self):
        with self.embedded() as node:
            token = node.token()
            keys = [node.create(token) for _ in range(5)]
            node.patch(f"/v1/accounts/acme/keys/{keys[1]['id']}", {"enabled": False}, token=token)
            node.delete(f"/v1/accounts/acme/keys/{keys[2]['id']}", token=token)
        first = self.copy()
        self.assertEqual((first["there"], first["copied"], first["envelopes"]), (0, first["end"], 4))
        with self.embedded() as node:
            keys.append(node.create(token))
            checksum = None
        second = self.copy()
        self.assertEqual(second["there"], first["end"])
        self.assertEqual(second["copied"], second["end"] - first["end"])
        self.assertEqual(self.copy()["copied"], 0, "there is nothing left to copy")

        checksum = run("projection", "checksum", "--data-dir", self.data)[0]
        rebuilt = run("projection", "rebuild", "--data-dir", self.deployment.work / "rebuilt", "--log", "kafka",
                      *self.deployment.kafka)[0]
        self.assertEqual(rebuilt, checksum)

        node = self.deployment.start()
        self.deployment.leader()
        eventually(lambda: node.get("/readyz", check=False).status == 200, "it is ready")
        codes = [node.verify(key["value"])["code"] for key in keys]
        self.assertEqual(codes, ["VALID", "DISABLED", "NOT_FOUND", "VALID", "VALID", "VALID"])
        for key in (keys[0], keys[5]):
            revealed = node.post(f"/v1/accounts/acme/keys/{key['id']}/reveal", token=token)
            self.assertEqual(revealed.json, {"value": key["value"]})
        node.create(token)
        self.assertIn("is not empty", self.copy(expect=1))

    def test_beside_a_node_or_into_another_logs_topics_it_is_refused(self):
        with self.embedded() as node:
            node.create(node.token())
            self.assertIn("another process serves", self.copy(expect=1))
        self.copy()
        shutil.rmtree(self.data)
        with self.embedded() as node:
            node.create(node.token())
        self.assertIn("position 1 isn't what the log has there", self.copy(expect=1))


if __name__ == "__main__":
    unittest.main()
