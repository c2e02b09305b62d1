"""The example of a systemd unit, held against systemd's own checker."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from node import DEADLINE, KEYLEDGER, ROOT, run

UNIT = ROOT / "deploy" / "systemd" / "keyledger.service"
ANALYZE = shutil.which("systemd-analyze")


class SystemdUnit(unittest.TestCase):
    def test_starts_serve_with_options_that_it_has(self):
        [command] = re.findall("^ExecStart=(.*)$", UNIT.read_text(encoding="utf-8"), re.M)
        program, subcommand, *arguments = command.split()
        self.assertEqual((os.path.basename(program), subcommand), ("keyledger", "serve"))
        known = run("serve", "--help")[0]
        for option in arguments[::2]:
            self.assertIn(f"\n  {option} ", known)

    @unittest.skipUnless(ANALYZE, "there is no systemd-analyze here")
    def test_is_accepted_by_systemd(self):
        with tempfile.TemporaryDirectory(prefix="keyledger-unit-") as directory:
            unit = pathlib.Path(directory) / UNIT.name
            # The checker wants the program to be there.
            unit.write_text(UNIT.read_text(encoding="utf-8").replace("/usr/local/bin/keyledger",
                                                                     os.path.abspath(KEYLEDGER)), encoding="utf-8")
            done = subprocess.run([ANALYZE, "verify", "--man=no", str(unit)], capture_output=True, text=True,
                                  check=False, timeout=DEADLINE)
        about_it = [line for line in done.stderr.splitlines() if UNIT.name in line]
        self.assertEqual((done.returncode, about_it), (0, []), done.stderr)


if __name__ == "__main__":
    unittest.main()
