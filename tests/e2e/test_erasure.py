"""After a deletion no byte of the value, sealed or not, is left in the data directory."""

import re
import unittest

from node import NodeTest, eventually

KEYS = "/v1/accounts/acme/keys"


def sealed_value(data_dir, identity):
    """The last bytes of a key's envelope as they lie in the write-ahead log: after the key's id come the envelope's
    length, format and date of erasure (none), and the sealed value (events/log/embedded/rows.h, envelope.cc)."""
    row = re.compile(re.escape(identity.encode()) + rb".\x01\xff{8}\x01\x0c[0-9a-f]{12}.{12}(.{40})", re.DOTALL)
    for file in (data_dir / "log").glob("*.log"):
        found = row.search(file.read_bytes())
        if found:
            return found[1]
    raise AssertionError(f"no envelope of {identity} in the write-ahead log")


def files_holding(data_dir, needle):
    found = []
    for file in data_dir.rglob("*"):
        try:
            if file.is_file() and needle in file.read_bytes():
                found.append(file.name)
        except FileNotFoundError:
            pass  # It was replaced meanwhile.
    return found


class Erasure(NodeTest):
    FLAGS = ("--erase-within", "200ms")

    def planted(self, count=30):
        """Keys, each with the bytes of its sealed value."""
        keys = [self.node.create(self.token, name=f"key {i}") for i in range(count)]
        return [(key, sealed_value(self.node.data_dir, key["id"])) for key in keys]

    def test_a_deleted_value_is_gone_from_every_file_and_the_others_stay(self):
        keys = self.planted()
        gone, kept = keys[::3], [key for i, key in enumerate(keys) if i % 3]
        for key, sealed in gone:
            self.assertTrue(files_holding(self.node.data_dir, sealed))
            self.assertEqual(self.node.delete(f"{KEYS}/{key['id']}", token=self.token).status, 204)
        for key, sealed in gone:
            eventually(lambda: not files_holding(self.node.data_dir, sealed), "erasure")
            self.assertEqual(files_holding(self.node.data_dir, key["value"].encode()), [])
        for key, _ in kept:
            self.assertEqual(self.node.post(f"{KEYS}/{key['id']}/reveal", token=self.token).json,
                             {"value": key["value"]})

    def test_a_node_killed_after_the_deletion_erases_at_its_next_start(self):
        self.node.flags[-1] = "1h"
        self.node.restart()
        (key, sealed), *_ = self.planted(3)
        # The purge at the start had nothing to do, and the next is an hour away.
        self.node.delete(f"{KEYS}/{key['id']}", token=self.token)
        self.node.kill()
        self.assertTrue(files_holding(self.node.data_dir, sealed))
        self.node.start()
        eventually(lambda: not files_holding(self.node.data_dir, sealed), "erasure")


class ShownOnce(NodeTest):
    FLAGS = ("--values", "once")

    def test_a_value_that_is_shown_once_without_a_key_for_retries_is_never_written(self):
        key = self.node.create(self.token, name="once")
        with self.assertRaises(AssertionError):
            sealed_value(self.node.data_dir, key["id"])


if __name__ == "__main__":
    unittest.main()
