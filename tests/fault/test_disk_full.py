"""Fills the disk under the node: it says so and stays, and nothing that it acknowledged is lost."""

import contextlib
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import ledger
from clients import Client, Revoked
from node import ADA, DEADLINE, Node
from ports import ReservedPort


def mount(directory, options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)], check=True, timeout=DEADLINE)


@unittest.skipUnless(os.geteuid() == 0, "mounting a small file system takes root")
class DiskFull(unittest.TestCase):
    def setUp(self):
        with contextlib.ExitStack() as stack:
            disk = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyledger-full-")))
            try:
                mount(disk, "size=8m")
            except subprocess.CalledProcessError:
                self.skipTest("mounting is not allowed here")
            stack.callback(subprocess.run, ["umount", str(disk)], check=True, timeout=DEADLINE)
            port = stack.enter_context(contextlib.closing(ReservedPort()))
            self.node = stack.enter_context(Node(disk / "data", "--listen", port.address))
            self.client = Client("acme", port.number, self.node.token(), ADA, random.Random(1), Revoked())
            stack.callback(self.client.caller.close)
            self.disk = disk
            self.addCleanup(stack.pop_all().close)

    def test_stops_commands_and_loses_nothing(self):
        for _ in range(20):
            self.client.step()
        made = self.make_keys_until_the_disk_is_full()
        self.assert_stays_for_longer_than_rocksdb_waits_to_look_for_room()
        refused = self.node.put("/v1/accounts/acme", {"username": ADA}, token=self.node.token())
        self.assertEqual((refused.status, refused.headers["retry-after"]), (503, "1"))
        # Where the read model fell behind, it refuses to judge; else it goes on.
        verdict = self.node.post("/v1/verify", {"key": made[-1]["value"]})
        self.assertIn((verdict.status, verdict.json.get("code")), [(200, "VALID"), (503, None)])

        self.node.stop()
        mount(self.disk, "remount,size=64m")
        self.node.start()
        for key in made:
            self.assertEqual(self.node.verify(key["value"])["code"], "VALID")
        for _ in range(20):
            self.client.step()
        self.client.check_state()
        for command in self.client.commands:
            self.client.repeat(command)
        self.node.stop()
        events = ledger.replay(self.node.data_dir)
        ledger.check_order(events)
        ledger.check_versions(events)
        ledger.check_clients([event for event in events if event.get("account") != "other"], [self.client])

    def make_keys_until_the_disk_is_full(self):
        """The keys that were acknowledged."""
        disk = os.statvfs(self.disk)
        (self.disk / "filler").write_bytes(bytes(disk.f_bavail * disk.f_frsize - 200_000))
        token, made = self.node.token("other"), []
        for _ in range(1000):
            answer = self.node.post("/v1/accounts/other/keys", {"name": "a key", "description": "d" * 2000}, token=token)
            if answer.status != 201:
                self.assertEqual(answer.status, 503)
                self.assertEqual(answer.json["type"], "urn:keyledger:problem:outcome-unknown")
                self.assertEqual(self.node.get("/readyz").status, 503)
                return made
            made.append(answer.json)
        return self.fail("the disk has room without end")

    def assert_stays_for_longer_than_rocksdb_waits_to_look_for_room(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.node.process.wait(timeout=6)
            self.fail(f"it ended with {status}: " + "".join(self.node.log[-3:]))


if __name__ == "__main__":
    unittest.main()
