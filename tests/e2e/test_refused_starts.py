"""Starts that would lose or betray something: each is refused, says why, and changes nothing."""

import json
import shutil
import unittest

from node import Node, NodeTest, run

KEYS = "/v1/accounts/acme/keys"


class RefusedStarts(NodeTest):
    def setUp(self):
        super().setUp()
        self.key = self.node.create(self.token)
        self.node.stop()
        self.data = self.node.data_dir
        self.ring = self.data / "keyring.json"

    def refusal(self, *flags):
        """The error with which a start is refused."""
        before = run("log", "status", "--data-dir", self.data)[0]
        printed, said = run("serve", "--data-dir", self.data, "--listen", "127.0.0.1:0", *flags, expect=1)
        self.assertEqual(printed, "")
        self.assertEqual(run("log", "status", "--data-dir", self.data)[0], before)
        last = json.loads(said.splitlines()[-1])
        self.assertEqual((last["level"], last["message"]), ("error", "can't start"))
        return last["error"]

    def assert_good_again(self):
        self.node.start()
        self.assertEqual(self.node.verify(self.key["value"])["code"], "VALID")

    def test_with_another_key_ring_in_its_place(self):
        kept = self.work / "kept.json"
        self.ring.rename(kept)
        run("keyring", "init", self.ring)
        for roles in ("command,query,verify", "verify", "query"):
            self.assertIn("pepper", self.refusal("--roles", roles), roles)
        kept.replace(self.ring)
        self.assert_good_again()

    def test_with_another_key_ring_by_name(self):
        other = self.work / "other.json"
        run("keyring", "init", other)
        self.assertIn("pepper", self.refusal("--key-ring", other))
        self.assert_good_again()

    def test_without_its_key_ring(self):
        kept = self.work / "kept.json"
        self.ring.rename(kept)
        self.assertIn(str(self.ring), self.refusal())
        self.assertFalse(self.ring.exists())  # A new one would have another pepper.
        kept.rename(self.ring)
        self.assertIn("there is no key ring", self.refusal("--key-ring", self.work / "nowhere.json"))
        self.assert_good_again()

    def test_with_a_key_ring_that_others_may_read(self):
        for mode in (0o644, 0o640, 0o604, 0o660):
            self.ring.chmod(mode)
            self.assertIn(f"chmod 600 {self.ring}", self.refusal())
        _, said = run("token", "--data-dir", self.data, "--account", "acme", expect=1)
        self.assertIn("chmod 600", said)
        self.ring.chmod(0o600)
        self.assert_good_again()

    def test_with_a_key_ring_that_is_none(self):
        kept = self.ring.read_bytes()
        for content in (b"", b"{", b"[]", b"{}", kept[:-20], kept.replace(b'"pepper"', b'"peper"')):
            self.ring.write_bytes(content)
            self.assertIn(str(self.ring), self.refusal(), content[:20])
        self.ring.write_bytes(kept)
        self.assert_good_again()

    def test_with_a_key_ring_for_validation_as_a_node_that_takes_commands(self):
        exported = self.work / "verify.json"
        run("keyring", "export", self.ring, "--for", "verify", "--out", exported)
        self.assertIn("--roles verify", self.refusal("--key-ring", exported))

    def test_on_a_log_that_is_older_than_the_read_model(self):
        shutil.copytree(self.data / "log", self.work / "backup")
        self.node.start()
        self.node.delete(f"{KEYS}/{self.key['id']}", token=self.token)
        position = self.node.get("/healthz").position
        self.node.stop()
        shutil.rmtree(self.data / "log")
        shutil.copytree(self.work / "backup", self.data / "log")
        error = self.refusal()
        self.assertIn(f"the read model has applied {position}", error)
        self.assertIn("backup", error)
        # Whoever removes the read model, and what was signed, knows what is lost.
        shutil.rmtree(self.data / "read-model")
        self.assertIn("the checkpoint that was signed last", self.refusal())
        (self.data / "checkpoint").unlink()
        self.assert_good_again()

    def test_on_an_empty_log_beside_its_read_model(self):
        (self.data / "log").rename(self.work / "log")
        _, said = run("serve", "--data-dir", self.data, "--listen", "127.0.0.1:0", expect=1)
        self.assertIn("the log ends at position 0", json.loads(said.splitlines()[-1])["error"])
        shutil.rmtree(self.data / "log")
        (self.work / "log").rename(self.data / "log")
        self.assert_good_again()

    def test_on_the_log_of_another_ledger(self):
        with Node(self.work / "other", "--key-ring", self.ring) as other:
            other_key = other.create(other.token())
            for _ in range(5):
                other.create(other.token())
        (self.data / "log").rename(self.work / "log")
        (self.work / "other" / "log").rename(self.data / "log")
        self.assertIn("the read model was folded from the log", self.refusal())
        run("projection", "rebuild", "--data-dir", self.data)
        self.assertIn("the checkpoint that was signed last", self.refusal())
        (self.data / "checkpoint").unlink()
        self.node.start()
        self.assertEqual(self.node.verify(other_key["value"])["code"], "VALID")
        self.assertEqual(self.node.verify(self.key["value"])["code"], "NOT_FOUND")

    def test_on_a_directory_that_can_not_be_made(self):
        file = self.work / "file"
        file.write_text("", encoding="utf-8")
        _, said = run("serve", "--data-dir", file / "data", "--listen", "127.0.0.1:0", expect=1)
        self.assertIn("--data-dir", json.loads(said.splitlines()[-1])["error"])


if __name__ == "__main__":
    unittest.main()
