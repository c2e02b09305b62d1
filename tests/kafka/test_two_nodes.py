"""Two nodes on one log in Kafka: either takes commands, one carries them out, both answer alike."""

import threading
import unittest

from deployment import DeploymentTest, leads, metric
from node import at_once, eventually, run


class TwoNodes(DeploymentTest):
    def setUp(self):
        super().setUp()
        self.first = self.deployment.start()
        self.second = self.deployment.start()
        self.leader = self.deployment.leader()
        self.standby = self.deployment.standby()
        self.token = self.leader.token()

    def test_either_takes_commands_and_shows_at_once_what_it_answered(self):
        keys = []
        for node in (self.leader, self.standby) * 5:
            created = node.post("/v1/accounts/acme/keys", {"name": "a key"}, token=self.token)
            self.assertEqual(created.status, 201, created)
            keys.append(created.json)
            self.assertEqual(node.verify(created.json["value"])["code"], "VALID")
            path = f"/v1/accounts/acme/keys/{created.json['id']}"
            self.assertEqual(created.headers["location"], path)
            other = self.first if node is self.second else self.second
            shown = other.get(path, token=self.token, headers={"Keyledger-Min-Position": str(created.position)})
            self.assertEqual(shown.json["name"], "a key")
        self.assertEqual(len({key["id"] for key in keys}), 10)
        off = self.standby.patch(f"/v1/accounts/acme/keys/{keys[0]['id']}", {"enabled": False}, token=self.token)
        self.assertEqual(off.status, 200, off)
        self.assertEqual(off.headers["etag"], '"v2"')
        self.assertEqual(self.standby.verify(keys[0]["value"])["code"], "DISABLED")
        revealed = self.standby.post(f"/v1/accounts/acme/keys/{keys[1]['id']}/reveal", token=self.token)
        self.assertEqual(revealed.json, {"value": keys[1]["value"]})
        gone = self.standby.delete(f"/v1/accounts/acme/keys/{keys[2]['id']}", token=self.token)
        self.assertEqual((gone.status, gone.body), (204, b""))
        self.assertEqual(self.standby.verify(keys[2]["value"])["code"], "NOT_FOUND")
        self.deployment.wait_until_equal()
        self.assertEqual(len(set(self.deployment.checksums())), 1)

    def test_the_log_says_who_asked_and_from_where_whichever_node_was_asked(self):
        for node in (self.leader, self.standby):
            node.post("/v1/accounts/acme/keys", {"name": "a key"}, token=self.token,
                      headers={"User-Agent": "a-script/1.0", "X-Request-Id": "request-17",
                               "Idempotency-Key": "once"})
        created = [event for event in self.deployment.replay() if event["type"] == "keyledger.KeyCreated"]
        self.assertEqual(len(created), 1, "the second was the first one's repetition")
        self.standby.post("/v1/accounts/acme/keys", {"name": "another"}, token=self.token,
                          headers={"User-Agent": "a-script/1.0", "X-Request-Id": "request-17"})
        created = [event for event in self.deployment.replay() if event["type"] == "keyledger.KeyCreated"]
        actors = [event["data"]["actor"] for event in created]
        self.assertEqual(actors[0], actors[1])
        self.assertEqual(actors[0]["user_agent"], "a-script/1.0")
        self.assertEqual(actors[0]["request_id"], "request-17")

    def test_what_a_standby_refuses_is_what_the_leader_would(self):
        def ask(node):
            answers = [
                node.post("/v1/accounts/acme/keys", {"name": "x"}),
                node.post("/v1/accounts/other/keys", {"name": "x"}, token=self.token),
                node.post("/v1/accounts/acme/keys", {"name": ""}, token=self.token),
                node.post("/v1/accounts/acme/keys", "{", token=self.token,
                          headers={"Content-Type": "application/json"}),
                node.post("/v1/accounts/acme/keys", {"name": "x"}, token=self.token,
                          headers={"Origin": "https://elsewhere.example"}),
                node.delete("/v1/accounts/acme/keys/key_06DZ3K5V9QKZ3YF8S1W2X4T6B8", token=self.token),
            ]
            return [(answer.status, answer.json["type"], answer.json["detail"]) for answer in answers]
        self.assertEqual(ask(self.leader), ask(self.standby))

    def test_a_token_that_nodes_use_among_themselves_reads_nothing(self):
        answer = self.standby.get("/v1/accounts/acme/keys", token="x.y.z")
        self.assertEqual(answer.status, 401)

    def test_many_at_once_on_both_are_carried_out_once_each(self):
        def work(node, number):
            client = node.client()
            try:
                return [client.post("/v1/accounts/acme/keys", {"name": f"{number}-{i}"}, token=self.token).status
                        for i in range(25)]
            finally:
                client.close()
        done = at_once(*[lambda n=n: work((self.first, self.second)[n % 2], n) for n in range(8)])
        self.assertEqual({status for statuses in done for status in statuses}, {201})
        names = [event["data"]["name"] for event in self.deployment.replay()
                 if event["type"] == "keyledger.KeyCreated"]
        self.assertEqual(sorted(names), sorted(f"{n}-{i}" for n in range(8) for i in range(25)))
        self.deployment.wait_until_equal()
        self.assertEqual(len(set(self.deployment.checksums())), 1)

    def test_when_the_leader_is_killed_the_other_takes_over_and_loses_nothing(self):
        key = self.leader.create(self.token)
        self.leader.kill()
        created = eventually(lambda: self.attempt(self.standby), "the other one leads")
        self.assertEqual(self.standby.verify(key["value"])["code"], "VALID")
        self.assertTrue(leads(self.standby))
        self.assertEqual(self.standby.verify(created["value"])["code"], "VALID")
        self.leader.start()
        eventually(lambda: self.leader.verify(created["value"])["code"] == "VALID", "it has caught up")
        self.assertEqual(len({event["id"] for event in self.deployment.replay()
                              if event["type"] == "keyledger.WriterElected"}), 2)

    def attempt(self, node):
        answer = node.post("/v1/accounts/acme/keys", {"name": "a key"}, token=self.token)
        return answer.json if answer.status == 201 else None

    def test_when_the_leader_is_told_to_stop_nothing_is_refused_for_long(self):
        stopped = threading.Event()
        refused = []

        def keep_on():
            client = self.standby.client()
            try:
                while not stopped.is_set():
                    answer = client.post("/v1/accounts/acme/keys", {"name": "a key"}, token=self.token)
                    if answer.status != 201:
                        refused.append(answer)
            finally:
                client.close()
        thread = threading.Thread(target=keep_on)
        thread.start()
        self.leader.create(self.token)
        self.leader.stop()
        eventually(lambda: leads(self.standby), "the other one leads")
        self.standby.create(self.token)
        stopped.set()
        thread.join()
        self.assertEqual(refused, [])

    def test_commands_are_refused_and_validation_goes_on_while_no_broker_answers(self):
        key = self.leader.create(self.token)
        broker = self.deployment.cluster.brokers[0]
        broker.stop()
        answer = self.leader.post("/v1/accounts/acme/keys", {"name": "a key"}, token=self.token)
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("retry-after", answer.headers)
        self.assertEqual(self.standby.verify(key["value"])["code"], "VALID")
        broker.start()
        eventually(lambda: self.attempt(self.standby), "commands are taken again")
        self.deployment.wait_until_equal()
        self.assertEqual(len(set(self.deployment.checksums())), 1)
        for node in (self.first, self.second):
            self.assertEqual(metric_or_zero(node), 0)


def metric_or_zero(node):
    return metric(node, "keyledger_projection_rejected_total") if node.process is not None else 0


class Refusals(DeploymentTest):
    def test_another_key_ring_than_the_logs_is_refused(self):
        self.deployment.start()
        self.deployment.leader()
        other = self.deployment.work / "other.json"
        run("keyring", "init", other)
        node = self.deployment.node()
        node.flags[node.flags.index("--key-ring") + 1] = str(other)
        node.launch()
        with self.assertRaisesRegex(AssertionError, "pepper is not the one"):
            node.wait_until_listening()
        node.process = None

    def test_without_topics_or_with_a_setting_that_loses_facts_a_node_does_not_start(self):
        node = self.deployment.node("--kafka.prefix", "elsewhere")
        node.launch()
        with self.assertRaisesRegex(AssertionError, "elsewhere.key-events"):
            node.wait_until_listening()
        node.process = None
        run("topics", "check", *self.deployment.kafka)
        from kafka import jars, topics  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import


if __name__ == "__main__":
    unittest.main()
