"""A read model whose rows have another format is folded anew at the start, beside the old one."""

import json
import pathlib
import subprocess
import unittest

from node import DEADLINE, KEYLEDGER, NodeTest, eventually, run
from test_quarantine import append_raw

SET_ROW_FORMAT = pathlib.Path(KEYLEDGER).with_name("set_row_format")


class RowFormat(NodeTest):
    def setUp(self):
        super().setUp()
        self.data = self.node.data_dir
        self.key = self.node.create(self.token)
        self.off = self.node.create(self.token, enabled=False)
        self.node.stop()
        self.expected = self.checksum()

    def set_format(self, number):
        subprocess.run([str(SET_ROW_FORMAT), str(self.data), str(number)], check=True, timeout=DEADLINE)

    def checksum(self):
        return run("projection", "checksum", "--data-dir", self.data)[0]

    def assert_of_another_format(self):
        self.assertIn("row format 0", run("projection", "status", "--data-dir", self.data, expect=1)[1])

    def assert_good(self):
        self.assertEqual(self.node.verify(self.key["value"])["code"], "VALID")
        self.assertEqual(self.node.verify(self.off["value"])["code"], "DISABLED")

    def test_older_or_newer_it_is_folded_anew_and_the_log_says_so(self):
        for number in (0, 99):
            self.set_format(number)
            self.node.log.clear()
            self.node.start()
            self.assertIn("folding the log into a new read model", "".join(self.node.log))
            self.assert_good()
            self.node.stop()
        self.assertEqual(sorted(path.name for path in self.data.iterdir()),
                         ["checkpoint", "keyring.json", "log", "read-model"])

    def test_a_process_that_is_killed_meanwhile_leaves_the_old_one_or_the_whole_new_one(self):
        for _ in range(12):
            self.set_format(0)
            self.node.launch()
            eventually(lambda: (self.data / "read-model.new").exists() or (self.data / "admin.sock").exists(),
                       "it has begun to rebuild")
            self.node.kill()
            done = subprocess.run([KEYLEDGER, "projection", "status", "--data-dir", str(self.data)], check=False,
                                  capture_output=True, text=True, timeout=DEADLINE)
            if done.returncode:  # It was killed before the new one was in place: the old one is there, or none.
                self.assertRegex(done.stderr, "row format 0|there is no read model")
            else:
                self.assertGreaterEqual(json.loads(done.stdout)["position"], int(self.expected.split()[0]))
            self.node.start()
            self.assert_good()
            self.node.stop()

    def test_a_bad_event_in_the_log_ends_it_there_and_the_node_is_halted(self):
        position = append_raw(self.data, "garbage")
        self.set_format(0)
        self.node.start()
        self.assertIn(f"quarantine {position} ", " ".join(self.node.get("/readyz").json["reasons"]))
        self.node.stop()
        self.set_format(0)
        # By hand, the old model stays where the new one can't be whole.
        self.assertIn(f"position {position}", run("projection", "rebuild", "--data-dir", self.data, expect=1)[1])
        self.assert_of_another_format()
        answer = json.loads(run("projection", "quarantine", position, "--reason", "a", "--data-dir", self.data)[0])
        self.assertIsNone(answer["halted"])
        self.node.start()
        self.assert_good()


if __name__ == "__main__":
    unittest.main()
