"""keyring rotate on a deployment: nodes that share a ring read it one after the other, and none answers wrongly meanwhile."""

import unittest

import rotation
from deployment import DeploymentTest
from node import ADA, eventually, run
from rotation import KEYS, hang_up


class Rotation(DeploymentTest):
    def setUp(self):
        super().setUp()
        self.nodes = [self.deployment.start(), self.deployment.start()]
        self.leader, self.standby = self.deployment.settled()
        for node in self.nodes:
            eventually(lambda node=node: node.get("/readyz", check=False).status == 200, "it is ready")
        self.token = self.leader.token()

    def rotate(self):
        run("keyring", "rotate", self.deployment.ring)

    def ids(self, use):
        return rotation.ids(self.deployment.ring, use)

    def prune(self, node, expect=0):
        return rotation.prune(self.deployment.ring, node, expect=expect)

    def test_no_answer_fails_while_some_have_the_new_ring_and_others_the_old(self):
        first = self.leader.create(self.token)
        load = rotation.Load()

        def make_and_read(client):
            made = client.post(KEYS, {"name": "a key"}, token=self.token)
            if made.status != 201:
                return made
            read = client.post(f"{KEYS}/{made.json['id']}/reveal", token=self.token)
            if read.status == 200 and read.json["value"] != made.json["value"]:
                load.wrong.append(("another value", read))
            return read

        for place, node in (("leader", self.leader), ("standby", self.standby)):
            load.add(f"verify by {place}", node, load.validate(first))
            load.add(f"make and read by {place}", node, make_and_read)
        # The leader first: what the others pass on to it is signed with a key that it still holds.
        with load:
            for _ in range(2):
                self.rotate()
                for node in (self.leader, self.standby):
                    load.wait_until_all_are_asked()
                    hang_up(node)
                load.wait_until_all_are_asked()
        self.assertEqual(load.wrong, [])
        for node in self.nodes:
            self.assertEqual(node.post(f"{KEYS}/{first['id']}/reveal", token=self.token).json["value"], first["value"])

    def test_in_the_other_order_validation_goes_on_and_commands_wait_for_the_leader(self):
        key = self.leader.create(self.token)
        self.rotate()
        hang_up(self.standby)
        for node in self.nodes:
            self.assertEqual(node.verify(key["value"], ADA)["code"], "VALID")
        self.assertEqual(self.leader.post(KEYS, {"name": "a key"}, token=self.token).status, 201)
        # Signed with a key that the leader hasn't read yet, whoever asks.
        self.assertEqual(self.standby.post(KEYS, {"name": "a key"}, token=self.token).status, 401)
        hang_up(self.leader)
        self.assertEqual(self.standby.post(KEYS, {"name": "a key"}, token=self.token).status, 201)

    def test_a_retired_key_is_taken_out_when_no_value_of_the_log_is_sealed_with_it(self):
        old = self.leader.create(self.token)
        retired = self.ids("envelope")[0]
        self.rotate()
        hang_up(self.leader)
        self.assertIn("SIGHUP", self.prune(self.standby, expect=1))  # It would seal with the old one, if it led.
        hang_up(self.standby)
        new = self.standby.create(self.token)
        self.deployment.wait_until_equal()
        for node in self.nodes:
            eventually(lambda node=node: self.prune(node)["kept"][0] == {"key": retired, "use": "envelope", "values": 1},
                       "whichever node is asked says that one value needs it")
        self.assertEqual(self.standby.delete(f"{KEYS}/{old['id']}", token=self.token).status, 204)
        eventually(lambda: self.prune(self.standby)["removed"] == [retired], "nothing needs it any more")
        for node in self.nodes:
            hang_up(node)
            read = node.post(f"{KEYS}/{new['id']}/reveal", token=self.token)
            self.assertEqual(read.json["value"], new["value"])


if __name__ == "__main__":
    unittest.main()
