"""Rotating the key ring of a node that is being asked, and taking retired keys out when nothing uses them."""

import json
import unittest

import rotation
from node import ADA, NodeTest, run
from rotation import KEYS


class RotationTest(NodeTest):
    @property
    def ring(self):
        return self.node.data_dir / "keyring.json"

    def ids(self, use):
        return rotation.ids(self.ring, use)

    def hang_up(self, *said):
        rotation.hang_up(self.node, *said)

    def rotate(self):
        run("keyring", "rotate", self.ring)
        self.hang_up()

    def prune(self, *flags, **kwargs):
        return rotation.prune(self.ring, self.node, *flags, **kwargs)

    def reveal(self, key, token=None, node=None):
        return (node or self.node).post(f"{KEYS}/{key['id']}/reveal", token=token or self.token)


class UnderLoad(RotationTest):
    def test_no_answer_fails_and_everything_from_before_is_good_after_it(self):
        first, second = self.node.create(self.token), self.node.create(self.token)
        pepper = json.loads(self.ring.read_text(encoding="utf-8"))["pepper"]
        cursor = self.node.get(f"{KEYS}?limit=1", token=self.token).json["next_cursor"]
        load = rotation.Load()
        load.add("verify", self.node, load.validate(first))
        load.add("create", self.node, lambda client: client.post(KEYS, {"name": "a key"}, token=self.token))
        load.add("reveal", self.node, lambda client: self.reveal(first, node=client))
        load.add("list", self.node, lambda client: client.get(f"{KEYS}?limit=1", token=self.token))
        with load:
            for _ in range(5):
                self.rotate()
                load.wait_until_all_are_asked()
        self.assertEqual(load.wrong, [])

        after = json.loads(self.ring.read_text(encoding="utf-8"))
        self.assertEqual((after["pepper"], len(after["envelope"])), (pepper, 6))
        self.assertEqual(self.reveal(first).json["value"], first["value"])
        page = self.node.get(f"{KEYS}?limit=1&cursor={cursor}", token=self.token)
        self.assertEqual(page.json["keys"][0]["id"], second["id"])
        for token in (self.token, self.node.token()):  # Signed by the oldest key, and by the newest.
            self.assertEqual(self.reveal(self.node.create(token), token).status, 200)
        self.node.restart()
        self.assertEqual(self.reveal(first).json["value"], first["value"])


class Retired(RotationTest):
    def test_a_retired_key_stays_as_long_as_something_uses_it_and_the_command_says_what(self):
        old = [self.node.create(self.token) for _ in range(3)]
        self.assertEqual(self.prune(), {"removed": [], "kept": []})
        self.rotate()
        new = self.node.create(self.token)
        retired = self.ids("envelope")[1]
        said = self.prune()
        self.assertEqual(said["removed"], [])
        self.assertEqual({"key": retired, "use": "envelope", "values": 3}, said["kept"][0])
        self.assertEqual([one["use"] for one in said["kept"]], ["envelope", "signing", "cursor"])
        for count, key in enumerate(old, 1):
            self.node.delete(f"{KEYS}/{key['id']}", token=self.token)
            said = self.prune()
            if count < 3:
                self.assertEqual(said["kept"][0]["values"], 3 - count)
        self.assertEqual((said["removed"], len(self.ids("envelope")), len(self.ids("signing"))), ([retired], 1, 2))
        self.hang_up()
        self.assertEqual(self.reveal(new).json["value"], new["value"])
        self.node.stop()
        self.assertEqual(self.prune()["removed"], [])  # The same where no node runs: it reads the log.
        self.node.start()
        self.assertEqual(self.reveal(new).json["value"], new["value"])

    def test_with_tokens_those_that_were_signed_before_are_refused(self):
        self.node.create(self.token)
        self.rotate()
        fresh = self.node.token()
        removed = self.prune("--tokens")["removed"]
        self.assertEqual(len(removed), 2)
        self.assertEqual(self.node.get(KEYS, token=self.token).status, 200)  # Until the node reads it.
        self.hang_up()
        self.assertEqual(self.node.get(KEYS, token=self.token).status, 401)
        self.assertEqual(self.node.get(KEYS, token=fresh).status, 200)

    def test_a_node_that_seals_with_another_key_keeps_them_all(self):
        key = self.node.create(self.token)
        run("keyring", "rotate", self.ring)
        before = self.ring.read_bytes()
        self.assertIn("SIGHUP", self.prune(expect=1))
        self.assertEqual(self.ring.read_bytes(), before)
        self.hang_up()
        self.assertEqual(self.prune()["kept"][0]["values"], 1)
        self.assertEqual(self.reveal(key).json["value"], key["value"])

    def test_a_node_takes_over_no_other_ring(self):
        key = self.node.create(self.token)
        whole = self.ring.read_bytes()
        exported = run("keyring", "export", self.ring, "--for", "verify")[0]
        other = self.work / "other.json"
        run("keyring", "init", other)
        for text in (other.read_bytes(), exported.encode(), b"{"):
            self.ring.write_bytes(text)
            self.hang_up("key ring stays as it was")
            self.assertEqual(self.node.verify(key["value"], ADA)["code"], "VALID")
            self.assertEqual(self.reveal(key).json["value"], key["value"])
        self.ring.write_bytes(whole)
        self.hang_up()


if __name__ == "__main__":
    unittest.main()
