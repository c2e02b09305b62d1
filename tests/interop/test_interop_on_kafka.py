"""On Kafka every node publishes the same log, whose positions have gaps; and whoever may read the topic can verify it."""

import re
import unittest

from deployment import DeploymentTest
from node import eventually, run
from test_interop import AUDITOR, CHECKS, interop


class InteroperationOnKafka(DeploymentTest):
    def test_every_node_publishes_the_same_log_and_the_topic_is_enough_to_verify_it(self):
        nodes = [self.deployment.start() for _ in range(2)]
        leader = self.deployment.leader()
        token = leader.token()
        keys = [leader.create(token) for _ in range(40)]
        leader.patch(f"/v1/accounts/acme/keys/{keys[0]['id']}", {"enabled": False}, token=token)
        vkey = run("audit", "vkey", "--log", "kafka", *self.deployment.kafka, "--key-ring", self.deployment.ring)[0].strip()
        kept = self.deployment.work / "kept"
        auditor = leader.token(scope=AUDITOR)
        kept.write_bytes(leader.get("/tlog/checkpoint", token=auditor).body)
        keys += [leader.create(token) for _ in range(10)]
        self.deployment.wait_until_equal()
        events = self.deployment.replay()
        end = events[-1]["position"]
        self.assertGreater(end, len(events), "positions have gaps")

        notes = set()
        for number, node in enumerate(nodes):
            answer = node.get("/tlog/checkpoint", token=auditor, headers={"Keyledger-Min-Position": str(end)})
            self.assertEqual(re.search(rb"^(\d+)$", answer.body, re.M)[1], str(len(events)).encode())
            notes.add(answer.body)
            proof = self.deployment.work / f"proof-{number}"
            made = next(event for event in events if event.get("subject") == keys[-1]["id"])
            proof.write_bytes(node.get(f"/v1/events/{made['position']}/proof", token=token).body)
            gap = node.get(f"/v1/events/{made['position'] + 1}/proof", token=token)
            self.assertEqual(gap.status, 404)
            mirror = self.deployment.work / f"mirror-{number}"
            said = interop("--vkey", vkey, "--url", f"http://{node.host}:{node.port}/tlog/", "--token", auditor,
                           "--since", kept, "--mirror", mirror, "--proof", proof)
            self.assertEqual(said, dict.fromkeys(CHECKS | {"proof"}))
            self.assertEqual(len(mirror.read_text(encoding="utf-8").splitlines()), len(events))
        self.assertEqual(len(notes), 1)

        verify = ("audit", "verify", "--log", "kafka", *self.deployment.kafka, "--vkey", vkey, "--since", kept)
        nowhere = self.deployment.work / "nowhere"
        self.assertIn(f'"size":{len(events)}', run(*verify, "--data-dir", nowhere)[0])
        self.assertIn('"read_model":true', run(*verify, "--data-dir", leader.data_dir)[0])
        exported = self.deployment.work / "exported"
        run("audit", "export", "--log", "kafka", *self.deployment.kafka, "--vkey", vkey, "--data-dir", leader.data_dir,
            exported)
        self.assertEqual(interop("--vkey", vkey, "--dir", exported, "--since", kept),
                         dict.fromkeys(CHECKS - {"mirror"}))

        from_topic = self.deployment.work / "from-topic"
        run("audit", "export", "--log", "kafka", *self.deployment.kafka, "--vkey", vkey, "--data-dir", nowhere,
            "--checkpoint", kept, from_topic)
        self.assertEqual(interop("--vkey", vkey, "--dir", from_topic, "--since", kept),
                         dict.fromkeys(CHECKS - {"mirror"}))

        # The one that leads ends, and the other goes on with the same tree.
        leader.stop()
        other = self.deployment.leader()
        made = other.create(token)
        position = next(event["position"] for event in self.deployment.replay() if event.get("subject") == made["id"])
        answer = eventually(lambda: other.get("/tlog/checkpoint", token=auditor,
                                              headers={"Keyledger-Min-Position": str(position)}), "it is published")
        self.assertEqual(answer.status, 200)
        self.assertEqual(interop("--vkey", vkey, "--url", f"http://{other.host}:{other.port}/tlog/", "--token", auditor,
                                 "--since", kept), dict.fromkeys(CHECKS - {"mirror"}))


if __name__ == "__main__":
    unittest.main()
