"""Runs the commands for backup and restore in docs/operations.md as they stand, while a node serves."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from node import DEADLINE, KEYLEDGER, ROOT, Node


def blocks():
    """The commands for backing up, for checking the copy, and for restoring."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    inside = re.search(r"<!-- backup:begin -->(.*)<!-- backup:end -->", text, re.S)[1]
    return re.findall(r"```sh\n(.*?)```", inside, re.S)


def sh(commands, directory):
    """Runs commands as an operator who has keyledger in his path, and gives back the JSON lines that they print."""
    programs = directory / "bin"
    programs.mkdir(exist_ok=True)
    if not (programs / "keyledger").exists():
        os.symlink(os.path.abspath(KEYLEDGER), programs / "keyledger")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=directory, capture_output=True, text=True,
                          check=False, timeout=DEADLINE, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
    assert done.returncode == 0, f"it ended with {done.returncode}: {done.stdout}{done.stderr}"
    assert not done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class BackupAndRestore(unittest.TestCase):
    def test_as_the_document_has_it(self):
        back_up, check, restore = blocks()
        with tempfile.TemporaryDirectory(prefix="keyledger-operations-") as directory:
            work = pathlib.Path(directory)
            with Node(work / "data") as node:
                token = node.token()
                kept, deleted = node.create(token), node.create(token)
                node.delete(f"/v1/accounts/acme/keys/{deleted['id']}", token=token)
                position = node.get("/healthz").position
                log, model = sh(back_up, work)
                self.assertEqual((log["position"], model["position"]), (position, position))
                later = node.create(token)  # What comes after a backup is not in it.
                [status] = sh(check, work)
                self.assertEqual((status["end"], status["log_id"]), (position, model["log_id"]))
            [status] = sh(restore, work)
            self.assertEqual((status["position"], status["log_end"], status["lag"]), (position, position, 0))
            self.assertEqual((work / "restored").stat().st_mode & 0o777, 0o700)
            self.assertEqual((work / "restored" / "keyring.json").stat().st_mode & 0o777, 0o600)
            with Node(work / "restored") as node:
                self.assertEqual(node.verify(kept["value"])["code"], "VALID")
                self.assertEqual(node.verify(deleted["value"])["code"], "NOT_FOUND")
                self.assertEqual(node.verify(later["value"])["code"], "NOT_FOUND")
                answer = node.post(f"/v1/accounts/acme/keys/{kept['id']}/reveal", token=node.token())
                self.assertEqual(answer.json["value"], kept["value"])


if __name__ == "__main__":
    unittest.main()
