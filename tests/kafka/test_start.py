"""Nodes that are started while their brokers are away."""

import signal
import unittest

from deployment import DeploymentTest
from node import eventually


def waits(node):
    """Whether the node said that it waits for its log."""
    return any("waiting for the log" in line for line in node.log)


class StartWithoutBrokers(DeploymentTest):
    def setUp(self):
        super().setUp()
        first = self.deployment.start()
        self.deployment.leader()
        self.key = first.create(first.token())
        first.stop()
        self.broker, = self.cluster.brokers
        self.broker.stop()

    def test_a_node_waits_for_them_and_then_serves(self):
        node = self.deployment.node()
        node.launch()
        eventually(lambda: waits(node), "it says that it waits")
        self.assertIsNone(node.process.poll())
        self.broker.start()
        node.wait_until_listening()
        self.deployment.leader()
        self.assertEqual(node.verify(self.key["value"])["code"], "VALID")

    def test_a_node_that_waits_ends_when_it_is_told_to(self):
        node = self.deployment.node()
        node.launch()
        eventually(lambda: waits(node), "it says that it waits")
        node.stop(how=signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
