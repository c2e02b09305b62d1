"""Brokers hand partitions on among themselves while all of them go on, as after a rolling restart."""

import unittest

from deployment import DeploymentTest, metric
from kafka import kcat, move_leaders
from node import eventually


def renewals(node):
    return metric(node, "keyledger_lease_renewals_total")


class LeadershipMoves(DeploymentTest):
    BROKERS = 3

    def setUp(self):
        super().setUp()
        self.nodes = [self.deployment.start(), self.deployment.start()]
        self.deployment.leader()
        self.token = self.nodes[0].token()
        self.key = self.nodes[0].create(self.token)
        self.topics = [f"{self.deployment.prefix}.{name}" for name in ("key-events", "key-secrets", "replicas")]

    def test_nodes_follow_to_whichever_broker_leads(self):
        for first in (1, 2, 3, 1):
            self.let_lead(first)
            self.check_all_works()
        self.deployment.wait_until_equal()

    def test_nodes_go_on_when_the_leading_broker_is_gone_for_good(self):
        self.let_lead(1)
        self.cluster.brokers[0].kill()
        eventually(lambda: 1 not in self.leaders(self.cluster.brokers[1].address), "another broker leads")
        self.check_all_works()

    def let_lead(self, first):
        move_leaders(self.cluster.bootstrap, self.topics, [first, first % 3 + 1, (first + 1) % 3 + 1])
        eventually(lambda: self.leaders(self.cluster.bootstrap) == {first}, f"broker {first} leads")

    def leaders(self, bootstrap):
        known = kcat.metadata(bootstrap)
        return {partition["leader"] for topic in known["topics"] if topic["topic"] in self.topics
                for partition in topic["partitions"]}

    def check_all_works(self):
        past = [renewals(node) for node in self.nodes]
        for node, count in zip(self.nodes, past):
            eventually(lambda node=node, count=count: renewals(node) > count + 1, "its lease is renewed")
            eventually(lambda node=node: node.get("/readyz", fresh=True, check=False).status == 200, "it is ready")
        for enabled, code in ((False, "DISABLED"), (True, "VALID")):
            eventually(lambda enabled=enabled: self.switch(enabled), "commands are taken")
            eventually(lambda code=code: self.nodes[1].verify(self.key["value"])["code"] == code, "the other follows")

    def switch(self, enabled):
        answer = self.nodes[0].patch(f"/v1/accounts/acme/keys/{self.key['id']}", {"enabled": enabled},
                                     token=self.token)
        return answer.status == 200


if __name__ == "__main__":
    unittest.main()
