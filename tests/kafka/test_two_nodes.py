"""Two nodes on one log in Kafka: either takes commands, one carries them out, both answer alike."""

import threading
import unittest

from deployment import DeploymentTest, leads, metric
from kafka import configs
from node import at_once, eventually, run


class TwoNodes(DeploymentTest):
    def setUp(self):
        super().setUp()
        self.first = self.deployment.start()
        self.second = self.deployment.start()
        self.leader = self.deployment.leader()
        self.standby = self.deployment.standby()
        self.token = self.leader.token()
        for node in (self.first, self.second):
            eventually(lambda node=node: node.get("/readyz", check=False).status == 200, "it is ready")

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
        eventually(lambda: self.leader.get("/readyz", check=False).status == 200, "it has caught up")
        self.assertEqual(self.leader.verify(created["value"])["code"], "VALID")
        elected = [event["data"]["node"] for event in self.deployment.replay()
                   if event["type"] == "keyledger.WriterElected"]
        self.assertEqual(len(set(elected)), 2)

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
        self.assertEqual(self.standby.verify(key["value"])["code"], "VALID")
        self.assertEqual(self.leader.verify(key["value"])["code"], "VALID")
        answer = self.leader.post("/v1/accounts/acme/keys", {"name": "a key"}, token=self.token)
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("retry-after", answer.headers)
        eventually(lambda: self.standby.post("/v1/verify", {"key": key["value"]}).status == 503,
                   "validation fails closed when nobody knows any more what was revoked")
        broker.start()
        eventually(lambda: self.attempt(self.standby), "commands are taken again")
        self.deployment.wait_until_equal()
        for node in (self.first, self.second):
            self.assertEqual(metric(node, "keyledger_projection_rejected_total"), 0)
        self.assertEqual(len(set(self.deployment.checksums())), 1)


class Refusals(DeploymentTest):
    def refused(self, *flags):
        """What a node says that doesn't start."""
        return run("serve", "--log", "kafka", "--data-dir", self.deployment.work / "refused", "--listen", "127.0.0.1:0",
                   *flags, expect=1)[1]

    def test_another_key_ring_than_the_logs_is_refused(self):
        self.deployment.start()
        self.deployment.leader()
        other = self.deployment.work / "other.json"
        run("keyring", "init", other)
        self.assertIn("pepper is not the one", self.refused(*self.deployment.kafka, "--key-ring", other))

    def test_without_a_key_ring_the_node_says_how_to_make_one(self):
        self.assertIn("keyledger keyring init FILE", self.refused(*self.deployment.kafka))

    def test_without_topics_the_node_says_how_to_make_them(self):
        brokers = ["--kafka.bootstrap", self.cluster.bootstrap, "--kafka.prefix", "elsewhere"]
        said = self.refused(*brokers, "--key-ring", self.deployment.ring)
        self.assertIn("elsewhere.key-events", said)
        self.assertIn("topics create", said)

    def test_with_a_setting_that_loses_facts_it_is_named(self):
        topic = self.deployment.kafka[-1] + ".key-events"
        configs(self.cluster.bootstrap, "--alter", "--entity-type", "topics", "--entity-name", topic,
                "--add-config", "retention.ms=1000")
        said = self.refused(*self.deployment.kafka, "--key-ring", self.deployment.ring)
        for word in (topic, "retention.ms", "1000", "-1"):
            self.assertIn(word, said)
        self.assertIn("retention.ms", run("topics", "check", *self.deployment.kafka, expect=1)[1])

    def test_a_read_model_of_another_log_is_refused(self):
        node = self.deployment.start()
        node.create(node.token()) if self.deployment.leader() else None
        node.stop()
        other = ["--kafka.bootstrap", self.cluster.bootstrap, "--kafka.prefix", "another-log"]
        run("topics", "create", *other)
        said = run("serve", "--log", "kafka", "--data-dir", node.data_dir, "--listen", "127.0.0.1:0", *other,
                   "--key-ring", self.deployment.ring, expect=1)[1]
        self.assertRegex(said, "events are lost|another log|the right log")

    def test_options_of_kafka_without_kafka_are_a_mistake(self):
        said = run("serve", *self.deployment.kafka, "--data-dir", self.deployment.work / "x", expect=2)[1]
        self.assertIn("--log kafka", said)


if __name__ == "__main__":
    unittest.main()
