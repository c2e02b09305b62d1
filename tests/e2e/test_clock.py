"""The clock of the machine is set back or far ahead while a node runs on it (by libfaketime, for the node alone)."""

import datetime
import glob
import unittest

from node import ADA, NodeTest, run

def library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert found, "missing: faketime; run scripts/setup"
    return found[0]


class Clock(NodeTest):
    def setUp(self):
        super().setUp()
        self.offset = self.work / "offset"
        self.set_clock("+0")
        self.node.stop()
        self.node.env.update(LD_PRELOAD=library(), FAKETIME_TIMESTAMP_FILE=str(self.offset), FAKETIME_NO_CACHE="1",
                             FAKETIME_DONT_FAKE_MONOTONIC="1")
        self.node.start()

    def set_clock(self, offset):
        """The node's wall clock; the others run on as they are."""
        new = self.offset.with_suffix(".new")
        new.write_text(offset + "\n", encoding="ascii")
        new.rename(self.offset)

    def token_by_the_nodes_clock(self):
        return run("token", "--data-dir", self.node.data_dir, "--account", "acme", "--username", ADA,
                   env=self.node.env)[0].strip()

    def create(self):
        return self.node.post("/v1/accounts/acme/keys", {"name": "a key"}, token=self.token_by_the_nodes_clock())

    def times(self):
        """Of all events, which must not go back."""
        trail = self.node.get("/v1/accounts/acme/events?limit=1000", token=self.token).json
        times = [event["time"] for event in trail["events"]]
        self.assertEqual(times, sorted(times))
        return times

    def test_set_far_ahead_and_right_again(self):
        key = self.create().json
        self.set_clock("+3650d")
        refused = self.create()
        self.assertEqual(refused.status, 503)
        self.assertIn("ahead", refused.json["detail"])
        self.assertIn("retry-after", refused.headers)
        self.assertEqual(self.node.verify(key["value"])["code"], "VALID")
        self.set_clock("+0")
        self.assertEqual(self.create().status, 201)
        self.assertLess(self.times()[-1], (datetime.datetime.now(datetime.timezone.utc) +
                                    datetime.timedelta(days=1)).isoformat())

    def test_set_back_and_right_again(self):
        key = self.create().json
        self.set_clock("-30s")
        self.assertEqual(self.create().status, 201)
        self.set_clock("-2h")
        refused = self.create()
        self.assertEqual(refused.status, 503)
        self.assertIn("clock", refused.json["detail"])
        self.assertEqual(self.node.verify(key["value"])["code"], "VALID")
        self.set_clock("+0")
        self.assertEqual(self.create().status, 201)
        self.times()


if __name__ == "__main__":
    unittest.main()
