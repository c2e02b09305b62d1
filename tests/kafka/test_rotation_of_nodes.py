"""keyring rotate on a deployment: nodes that share a ring read it one after the other, and none answers wrongly meanwhile."""

import json
import signal
import threading
import unittest

from deployment import DeploymentTest
from node import ADA, eventually, run

KEYS = "/v1/accounts/acme/keys"


class Rotation(DeploymentTest):
    def setUp(self):
        super().setUp()
        self.nodes = [self.deployment.start(), self.deployment.start()]
        self.leader, self.standby = self.deployment.settled()
        for node in self.nodes:
            eventually(lambda node=node: node.get("/readyz", check=False).status == 200, "it is ready")
        self.token = self.leader.token()

    def hang_up(self, node):
        before = len(node.log)
        node.process.send_signal(signal.SIGHUP)
        eventually(lambda: any("key ring was read again" in line for line in node.log[before:]), "it has read the ring")

    def rotate(self):
        run("keyring", "rotate", self.deployment.ring)

    def ids(self, use):
        return [key["id"] for key in json.loads(self.deployment.ring.read_text(encoding="utf-8"))[use]]

    def prune(self, node, expect=0):
        printed, said = run("keyring", "prune", self.deployment.ring, "--data-dir", node.data_dir, expect=expect)
        return json.loads(printed) if printed else said

    def test_no_answer_fails_while_some_have_the_new_ring_and_others_the_old(self):
        first = self.leader.create(self.token)
        stop, wrong, counts = threading.Event(), [], {}

        def repeat(name, node, work):
            client = node.client(checks=False)
            try:
                while not stop.is_set():
                    answer = work(client)
                    if answer.status not in (200, 201):
                        wrong.append((name, answer))
                    counts[name] = counts.get(name, 0) + 1
            except Exception as error:  # pylint: disable=broad-exception-caught
                wrong.append((name, error))
            finally:
                client.close()

        def validate(client):
            answer = client.post("/v1/verify", {"key": first["value"], "username": ADA})
            if answer.json["code"] != "VALID":
                wrong.append(("verify", answer))
            return answer

        def make_and_read(client):
            made = client.post(KEYS, {"name": "a key"}, token=self.token)
            if made.status != 201:
                return made
            read = client.post(f"{KEYS}/{made.json['id']}/reveal", token=self.token)
            if read.status == 200 and read.json["value"] != made.json["value"]:
                wrong.append(("another value", read))
            return read

        threads = [threading.Thread(target=repeat, args=(f"{name} by {place}", node, work))
                   for place, node in (("leader", self.leader), ("standby", self.standby))
                   for name, work in (("verify", validate), ("make and read", make_and_read))]
        for thread in threads:
            thread.start()

        def all_are_asked():
            before = dict(counts)
            eventually(lambda: wrong or (len(counts) == len(threads) and
                                         all(count > before.get(name, 0) + 2 for name, count in counts.items())),
                       "each is asked again")

        # The leader first: what the others pass on to it is signed with a key that it still holds.
        for _ in range(2):
            self.rotate()
            for node in (self.leader, self.standby):
                all_are_asked()
                self.hang_up(node)
            all_are_asked()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        for node in self.nodes:
            self.assertEqual(node.post(f"{KEYS}/{first['id']}/reveal", token=self.token).json["value"], first["value"])

    def test_in_the_other_order_validation_goes_on_and_commands_wait_for_the_leader(self):
        key = self.leader.create(self.token)
        self.rotate()
        self.hang_up(self.standby)
        for node in self.nodes:
            self.assertEqual(node.verify(key["value"], ADA)["code"], "VALID")
        self.assertEqual(self.leader.post(KEYS, {"name": "a key"}, token=self.token).status, 201)
        # Signed with a key that the leader hasn't read yet, whoever asks.
        self.assertEqual(self.standby.post(KEYS, {"name": "a key"}, token=self.token).status, 401)
        self.hang_up(self.leader)
        self.assertEqual(self.standby.post(KEYS, {"name": "a key"}, token=self.token).status, 201)

    def test_a_retired_key_is_taken_out_when_no_value_of_the_log_is_sealed_with_it(self):
        old = self.leader.create(self.token)
        retired = self.ids("envelope")[0]
        self.rotate()
        self.hang_up(self.leader)
        self.assertIn("SIGHUP", self.prune(self.standby, expect=1))  # It would seal with the old one, if it led.
        self.hang_up(self.standby)
        new = self.standby.create(self.token)
        self.deployment.wait_until_equal()
        for node in self.nodes:
            eventually(lambda node=node: self.prune(node)["kept"][0] == {"key": retired, "use": "envelope", "values": 1},
                       "whichever node is asked says that one value needs it")
        self.assertEqual(self.standby.delete(f"{KEYS}/{old['id']}", token=self.token).status, 204)
        eventually(lambda: self.prune(self.standby)["removed"] == [retired], "nothing needs it any more")
        for node in self.nodes:
            self.hang_up(node)
            read = node.post(f"{KEYS}/{new['id']}/reveal", token=self.token)
            self.assertEqual(read.json["value"], new["value"])


if __name__ == "__main__":
    unittest.main()
