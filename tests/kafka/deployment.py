"""Several nodes of keyledger on a real Apache Kafka. For the tests under tests/kafka.

    class Something(DeploymentTest):
        def test_it(self):
            first, second = self.start_nodes(2)
            leader, standby = self.leader_first()
"""

import contextlib
import itertools
import json
import pathlib
import signal
import tempfile
import unittest

from kafka import Cluster
from node import Node, eventually, run


class Deployment:
    """The topics of one prefix on `cluster`, a key ring, and the nodes that were started on them."""

    def __init__(self, cluster, prefix="keyledger"):
        self._stack = contextlib.ExitStack()
        self.work = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="keyledger-kafka-test-")))
        self.ring = self.work / "keyring.json"
        self.cluster = cluster
        self.prefix = prefix
        self.kafka = ["--kafka.bootstrap", cluster.bootstrap, "--kafka.prefix", prefix]
        run("keyring", "init", self.ring)
        run("topics", "create", *self.kafka)
        self.nodes = []

    def close(self):
        for node in self.nodes:
            if node.process is not None:
                node.stop(expect=None)
        self._stack.close()

    def node(self, *flags, name=None, door=None, **kwargs):
        """A node that isn't started yet. It reaches the brokers as all do, or through `door`, one of the cluster's."""
        name = name or f"node-{len(self.nodes) + 1}"
        kafka = ["--kafka.bootstrap", door.bootstrap, *self.kafka[2:]] if door else self.kafka
        node = Node(self.work / name, "--log", "kafka", *kafka, "--key-ring", self.ring, *flags, **kwargs)
        self.nodes.append(node)
        return node

    def start(self, *flags, name=None, **kwargs):
        return self.node(*flags, name=name, **kwargs).start()

    def running(self):
        return [node for node in self.nodes if node.process is not None]

    def leader(self):
        """The node that leads, once there is one."""
        return eventually(lambda: next((node for node in self.running() if leads(node)), None), "a node leads")

    def standby(self):
        leader = self.leader()
        return next(node for node in self.running() if node is not leader)

    def settled(self):
        """(leader, standby), once all nodes that run stand for election, and who leads no longer changes."""
        ids = {(node.data_dir / "node-id").read_text().strip(): node for node in self.running()}

        def leading():
            shown = status(self.running()[0])
            candidates = shown["candidates"] or []
            elected = [it["node"] for it in candidates if it["elected"]]
            settled = {it["node"] for it in candidates} == set(ids) and shown["leader"] and elected == [shown["leader"]["node"]]
            return elected[0] if settled else None

        leader = ids[eventually(leading, "who leads no longer changes, now that all stand")]
        return leader, next(node for node in self.running() if node is not leader)

    def replay(self, *arguments):
        """The events of the log, by a command that is no node."""
        lines = run("replay", "--log", "kafka", *self.kafka, *arguments)[0]
        return [json.loads(line) for line in lines.splitlines()]

    def wait_until_equal(self):
        """Until all nodes have applied the log to its end."""
        def are_equal():
            ends = {node.get("/readyz", fresh=True, check=False).json["position"] for node in self.running()}
            return len(ends) == 1 and ends == {self.replay()[-1]["position"]}
        eventually(are_equal, "all nodes have applied everything")

    def checksums(self):
        """Ends all nodes where they are, and gives back what each one's read model comes to."""
        nodes = self.running()
        for node in nodes:
            node.process.send_signal(signal.SIGSTOP)  # Else one would lead on where the other ended.
        for node in nodes:
            node.kill()
        return [run("projection", "checksum", "--data-dir", node.data_dir)[0] for node in nodes]


def status(node, **kwargs):
    """The whole deployment, as `keyledger status` tells it of this node."""
    return json.loads(run("status", "--json", "--data-dir", node.data_dir, **kwargs)[0])


def metric(node, name):
    text = node.get("/metrics", fresh=True).body.decode()
    return next((float(line.split()[-1]) for line in text.splitlines() if line.split(" ")[0] == name), None)


def leads(node):
    return metric(node, "keyledger_writer_leads") == 1


class DeploymentTest(unittest.TestCase):
    """Tests that share brokers, each with topics of its own on them."""

    BROKERS = 1
    PROXIED = False

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(brokers=cls.BROKERS, proxied=cls.PROXIED))
        cls.numbers = itertools.count(1)

    def setUp(self):
        self.cluster.start()  # What an earlier test may have stopped.
        self.deployment = Deployment(self.cluster, f"test-{next(self.numbers)}")
        self.addCleanup(self.deployment.close)
