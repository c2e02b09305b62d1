"""scripts/cluster: what compose.yaml describes, as processes of this machine."""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import unittest

import yaml
from node import ADA, KEYLEDGER, ROOT, Node, basic, eventually

SCRIPT = ROOT / "scripts" / "cluster"
UP_DEADLINE = 400  # Seconds: four JVMs and six other processes on a busy machine.
KEYS = "/v1/accounts/acme/keys"
# What compose.yaml has besides: what ends by itself, and what looks on.
NOT_HERE = {"prepare", "prometheus", "grafana"}


def script(directory, command, expect=0, program=KEYLEDGER):
    """Runs scripts/cluster and gives back what it printed, and what it said of errors."""
    done = subprocess.run([SCRIPT, command], capture_output=True, text=True, check=False, timeout=UP_DEADLINE,
                          env={**os.environ, "KEYLEDGER": str(program), "KEYLEDGER_CLUSTER": str(directory)})
    assert done.returncode == expect, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout, done.stderr


def is_there(pid):
    """Whether the process runs: one that has ended may be there until somebody asks how."""
    try:
        return pathlib.Path("/proc", str(pid), "stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class ClusterScript(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="keyledger-cluster-")
        cls.addClassCleanup(temporary.cleanup)
        cls.directory = pathlib.Path(temporary.name, "cluster")
        cls.said, _ = script(cls.directory, "up")
        cls.addClassCleanup(cls.take_down)
        cls.state = json.loads((cls.directory / "state.json").read_text(encoding="utf-8"))
        cls.processes = {process["name"]: process for process in cls.state["processes"]}
        cls.first, cls.second = cls.node("command-1"), cls.node("command-2")
        cls.token = cls.first.token()

    @classmethod
    def take_down(cls):
        """Nothing is left, and to end what has ended is no error."""
        said, _ = script(cls.directory, "down")
        assert "has ended" in said, said
        pids = [cls.state["supervisor"], *(process["pid"] for process in cls.processes.values())]
        assert not (left := [pid for pid in pids if is_there(pid)]), left
        assert sorted(entry.name for entry in cls.directory.iterdir()) == ["lock", "logs", "supervisor.log"]
        said, _ = script(cls.directory, "down")
        assert "no cluster is up" in said, said
        script(cls.directory, "status", expect=1)

    @classmethod
    def node(cls, name):
        """One of the cluster's, to be asked."""
        node = Node(cls.directory / "data" / name, "--key-ring", cls.directory / "keyring.json")
        node.host, port = cls.processes[name]["address"].split(":")
        node.port = int(port)
        cls.addClassCleanup(node.close)
        return node

    def sign_in(self, key):
        """What nginx answers to who has `key`."""
        front = Node(self.directory, connection_checks=False)
        front.host, front.port = self.processes["nginx"]["address"].split(":")
        return front.get("/", headers={"Authorization": basic(ADA, key)}, fresh=True)

    def rows(self, expect=0):
        """What status says of each process, by its name."""
        lines = script(self.directory, "status", expect)[0].splitlines()
        return {line.split()[0]: line for line in lines[1:]}

    def test_has_what_compose_has(self):
        services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
        self.assertEqual(set(self.processes), set(services) - NOT_HERE)

    def test_what_up_says_works(self):
        commands = re.search(r"^TOKEN=.*?^KEY=.*?\)$", self.said, re.S | re.M)[0]
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", f'{commands}\necho "$KEY"'], capture_output=True,
                              text=True, check=True)
        self.assertRegex(done.stdout, "^kl_[0-9A-Za-z]{49}\n$")
        eventually(lambda: self.sign_in(done.stdout.strip()).status == 200, "nginx lets the key in")

    def test_a_key_is_made_on_one_node_and_refused_after_it_was_disabled_on_the_other(self):
        for maker, other in ((self.first, self.second), (self.second, self.first)):
            key = maker.create(self.token)
            self.assertEqual(self.sign_in("kl_wrong").status, 401)
            answer = eventually(lambda key=key: self.let_in(key), "nginx lets the key in")
            self.assertIn(f"X-Keyledger-Key-Id: {key['id']}\n", answer.body.decode())
            disabled = other.patch(f"{KEYS}/{key['id']}", {"enabled": False}, token=self.token)
            self.assertEqual(disabled.status, 200)
            eventually(lambda key=key: self.sign_in(key["value"]).status == 401, "nginx refuses the key")

    def let_in(self, key):
        answer = self.sign_in(key["value"])
        return answer if answer.status == 200 else None

    def test_up_where_one_is_up_already_is_an_error_that_says_so(self):
        _, said = script(self.directory, "up", expect=1)
        self.assertIn("is up already", said)

    def test_status_shows_every_process_the_paused_and_the_killed(self):
        rows = self.rows()
        self.assertEqual(set(rows), set(self.processes))
        for name, row in rows.items():
            self.assertRegex(row, rf"pid {self.processes[name]['pid']} +runs +{self.processes[name]['address']}")
        self.assertEqual(sum("leads" in row for row in rows.values()), 1)
        self.assertRegex(rows["verify-1"], "position [1-9]")

        application = self.processes["application"]["pid"]
        os.kill(application, signal.SIGSTOP)
        self.assertIn("paused", self.rows(expect=1)["application"])
        os.kill(application, signal.SIGCONT)

        key = self.first.create(self.token)
        os.kill(self.processes["verify-2"]["pid"], signal.SIGKILL)
        eventually(lambda: "ended (SIGKILL)" in self.rows(expect=1)["verify-2"], "status says that it was killed")
        eventually(lambda: self.let_in(key), "nginx lets the key in")
        for _ in range(10):  # Whichever of the two it asks first.
            self.assertEqual(self.sign_in(key["value"]).status, 200)

    def test_dashboard_and_alerts_name_metrics_that_the_nodes_have(self):
        known = set()
        for name in ("command-1", "command-2", "verify-1"):
            text = self.node(name).get("/metrics").body.decode()
            for metric, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
                known |= {metric} if kind != "histogram" else {f"{metric}_{end}" for end in ("bucket", "sum", "count")}
        for file in ("grafana/dashboards/keyledger.json", "prometheus/alerts.yml", "prometheus/alerts.test.yml"):
            named = set(re.findall(r"\bkeyledger_\w+", (ROOT / "deploy" / file).read_text(encoding="utf-8")))
            self.assertTrue(named)
            self.assertLessEqual(named, known, file)


class WithoutACluster(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="keyledger-cluster-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)

    def test_nothing_is_shown_or_ended(self):
        self.assertIn("no cluster is up", script(self.directory / "none", "status", expect=1)[1])
        self.assertIn("no cluster is up", script(self.directory / "none", "down")[0])

    def test_a_directory_with_other_files_is_left_alone(self):
        (self.directory / "thesis.txt").touch()
        self.assertIn("isn't a cluster's", script(self.directory, "up", expect=1)[1])
        self.assertTrue((self.directory / "thesis.txt").exists())

    def test_a_start_that_fails_says_why_and_leaves_nothing(self):
        program = self.directory / "broken"
        program.write_text('#!/bin/sh\nif [ "$1" = serve ]; then echo out of order >&2; exit 3; fi\n'
                           f'exec {shlex.quote(os.path.abspath(KEYLEDGER))} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        directory = self.directory / "cluster"
        said = script(directory, "up", expect=1, program=program)[1]
        self.assertRegex(said, r"failed: (command|verify)-\d ended with 3\nout of order")
        state = json.loads((directory / "state.json").read_text(encoding="utf-8"))
        pids = [state["supervisor"], *(process["pid"] for process in state["processes"])]
        self.assertEqual([pid for pid in pids if is_there(pid)], [])
        self.assertIn("failed", script(directory, "status", expect=1)[1])
        script(directory, "down")
        self.assertFalse((directory / "data").exists())


if __name__ == "__main__":
    unittest.main()
