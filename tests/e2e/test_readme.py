"""Runs the README's walkthrough as it stands, and holds what the text says against what happens."""

import contextlib
import csv
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from network import own_network
from node import ADA, DEADLINE, KEYLEDGER, ROOT, Node
from ports import ReservedPort

ADDRESS = "127.0.0.1:8080"  # Where the README's commands look for the node.
MARK = "--- the next step ---"


class Step:
    """A block of commands, the text before it, and what it printed."""

    def __init__(self, text, commands):
        self.text = " ".join(text.split())
        self.commands = commands
        self.output = None

    def statuses_said(self):
        """"(401)" and "(204, then 401)" in the text."""
        return [status for said in re.findall(r"\((\d{3}(?:, then \d{3})*)\)", self.text)
                for status in said.split(", then ")]

    def statuses_printed(self):
        return re.findall(r"^\d{3}$", self.output, re.M)

    def json_printed(self):
        """All JSON values in the output, in order; what stands between them is left out."""
        decoder, values, at = json.JSONDecoder(), [], self.output.find("{")
        while at >= 0:
            value, end = decoder.raw_decode(self.output, at)
            values.append(value)
            at = self.output.find("{", end)
        return values


def walkthrough():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    inside = re.search(r"<!-- walkthrough:begin -->(.*)<!-- walkthrough:end -->", text, re.S)[1]
    return [Step(*found) for found in re.findall(r"(.*?)```sh\n(.*?)```", inside, re.S)]


def run_steps(steps, directory):
    """In one shell, which ends at the first command that fails."""
    script = "set -euo pipefail\n" + f"echo '{MARK}'\n".join(step.commands for step in steps)
    done = subprocess.run(["bash", "-c", script], cwd=directory, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=DEADLINE)
    outputs = done.stdout.split(MARK + "\n")
    assert done.returncode == 0, (f"it ended with {done.returncode} in or after\n{steps[len(outputs) - 1].commands}"
                                  f"{outputs[-1]}{done.stderr}")
    assert not done.stderr, f"it said on standard error: {done.stderr}"
    for step, output in zip(steps, outputs):
        step.output = output


@contextlib.contextmanager
def network():
    """The address for the node: the README's own in a network of our own, or, where that takes rights that we have not, a free one."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(own_network())
            address = ADDRESS
        except OSError:
            address = stack.enter_context(contextlib.closing(ReservedPort())).address
        yield address


class Readme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.steps = walkthrough()
        with tempfile.TemporaryDirectory(prefix="keyledger-readme-") as directory, network() as address:
            checkout = pathlib.Path(directory)
            (checkout / "build" / "release").mkdir(parents=True)
            os.symlink(os.path.abspath(KEYLEDGER), checkout / "build" / "release" / "keyledger")
            if address != ADDRESS:
                for step in cls.steps:
                    step.commands = step.commands.replace(ADDRESS, address)
            with Node(checkout / "data", "--listen", address):
                run_steps(cls.steps, checkout)

    def step(self, beginning):
        found = [step for step in self.steps if step.text.startswith(beginning)]
        self.assertEqual(len(found), 1, f"steps that begin with {beginning}: {[step.text for step in self.steps]}")
        return found[0]

    def created(self):
        return self.step("Create a key").json_printed()[0]

    def test_prints_the_statuses_that_the_text_names(self):
        for step in self.steps:
            with self.subTest(step=step.text):
                self.assertEqual(step.statuses_printed(), step.statuses_said())
        self.assertEqual([status for step in self.steps for status in step.statuses_printed()],
                         ["401", "200", "204", "401"])

    def test_creates_a_key_with_a_value(self):
        self.assertEqual(self.step("Make a token").output, "")
        created = self.created()
        self.assertEqual((created["name"], created["enabled"], created["version"]), ("Nightly sync script", True, 1))
        self.assertRegex(created["value"], "^kl_[0-9A-Za-z]{49}$")

    def test_signs_in_with_the_key_and_validates_it(self):
        head = self.step("Sign in as a program would").output
        self.assertEqual(head.splitlines()[0], "HTTP/1.1 200 OK")
        self.assertIn("X-Keyledger-Account: acme", head)
        self.assertIn(f"X-Keyledger-Username: {ADA}", head)
        self.assertIn("X-Keyledger-Key-Name: Nightly%20sync%20script", head)
        [verdict] = self.step("Or let a service ask").json_printed()
        self.assertEqual((verdict["valid"], verdict["code"], verdict["key_id"]), (True, "VALID", self.created()["id"]))

    def test_lists_the_key_and_reads_its_value_again(self):
        created = self.created()
        listed, revealed = self.step("List the account's keys").json_printed()
        self.assertEqual(listed["keys"], [{name: created[name] for name in created if name != "value"}])
        self.assertEqual(revealed, {"value": created["value"]})

    def test_disables_enables_and_renames_it(self):
        [disabled] = self.step("Disable it").json_printed()
        [enabled] = self.step("Enable it again").json_printed()
        [renamed] = self.step("Rename it").json_printed()
        self.assertEqual((disabled["enabled"], enabled["enabled"]), (False, True))
        self.assertEqual((renamed["name"], renamed["description"]), ("Zapier", None))

    def test_shows_the_audit_trail_as_json_and_csv_and_replays_it(self):
        kinds = ["KeyCreated", "KeyValueRevealed", "KeyDisabled", "KeyEnabled", "KeyRenamed", "KeyDescribed",
                 "KeyDeleted"]
        types = [f"keyledger.{kind}" for kind in kinds]
        trail = self.step("Read the audit trail")
        events = trail.json_printed()[:len(kinds)]
        self.assertEqual([event["type"] for event in events], types)
        self.assertEqual([event["data"]["reason"] for event in events if "reason" in event["data"]],
                         ["laptop lost", "laptop found", "no longer used"])

        lines = trail.output[trail.output.index("position,"):].splitlines()
        self.assertEqual([row["type"] for row in csv.DictReader(lines)], types)

        replayed = [json.loads(line) for line in self.step("Replay the log").output.splitlines()]
        self.assertEqual([event["type"] for event in replayed], types)
        self.assertEqual([event["data"] for event in replayed], [event["data"] for event in events])
        self.assertEqual({event["subject"] for event in replayed}, {self.created()["id"]})

    def test_shows_the_value_nowhere_after_the_key_is_deleted(self):
        value = self.created()["value"]
        for beginning in ("Delete it", "Read the audit trail", "Replay the log"):
            self.assertNotIn(value, self.step(beginning).output)


if __name__ == "__main__":
    unittest.main()
