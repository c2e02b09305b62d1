#!/usr/bin/python3
"""Starts the processes of a cluster, watches them, and ends them on SIGTERM. They end with it, however it ends.

usage: supervisor.py DIRECTORY PROGRAM     (by cluster.py, which locked the directory)
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "e2e")]
# pylint: disable=wrong-import-position
import ask  # noqa: E402
import nginx  # noqa: E402
from kafka import Cluster, children  # noqa: E402
from ports import ReservedPort  # noqa: E402
from state import Process, State  # noqa: E402

DEADLINE = 180  # Seconds that a step may take on a busy machine.
GRACE = 30  # Seconds that a process has to end: a node drains for 20.
LOOK = 0.2  # Seconds.


class Failed(Exception):
    """The cluster can't be brought up. The text says why."""


class Supervisor:
    def __init__(self, directory, program):
        self._directory = directory
        self._stack = contextlib.ExitStack()
        self._children = []  # Each a Process and its Popen.
        self._state = State(os.getpid())
        self._logs = directory / "logs"
        self._ring = directory / "keyring.json"
        self._verify_ring = directory / "verify-keyring.json"
        programs = directory / "bin"
        for made in (self._logs, programs, directory / "data", directory / "nginx"):
            made.mkdir()
        (programs / "keyledger").symlink_to(program)
        # A node refuses variables of keyledger's that it doesn't know.
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("KEYLEDGER")}
        self._environment["PATH"] = f"{programs}:{os.environ['PATH']}"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self._stack.close()

    def bring_up(self):
        self._phase("three brokers answer each other")
        cluster = self._stack.enter_context(Cluster(3))
        self._state.bootstrap = cluster.bootstrap
        for broker in cluster.brokers:
            log = broker.data.with_name("broker.log")
            self._watch(Process(f"kafka-{broker.number}", "broker", broker.address, str(log), broker.pid),
                        broker.process)
        self._phase("topics and key rings are made")
        self._prepare()

        commands = [self._start_node(f"command-{n}", "command,query", self._ring) for n in (1, 2)]
        replicas = [self._start_node(f"verify-{n}", "verify", self._verify_ring) for n in (1, 2)]
        application = self._port()
        self._start("application", "demo upstream", application,
                    [sys.executable, "-B", ROOT / "deploy" / "demo" / "application.py", *application.split(":")])
        self._wait("the demo application answers", lambda: ask.listens(application))
        self._wait("all nodes are ready", lambda: all(map(is_ready, (*commands, *replicas))))
        self._wait("a node leads", lambda: any(map(ask.leads, commands)))
        front = self._port()
        self._start("nginx", "proxy", front, nginx.configure(self._directory / "nginx", front, replicas, application))
        self._wait("nginx asks keyledger", lambda: ask.get(front, "/")[0] == 401)
        self._phase("ready")

    def watch(self):
        """Until SIGTERM."""
        while True:
            self._reap()
            time.sleep(LOOK)

    def fail(self, why):
        self._phase(f"failed: {why}")

    def _prepare(self):
        log = self._logs / "prepare.log"
        with open(log, "wb") as output:
            done = subprocess.run([ROOT / "deploy" / "compose" / "prepare", self._state.bootstrap, self._ring,
                                   self._verify_ring], stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.STDOUT, env=self._environment, check=False)
        if done.returncode != 0:
            raise Failed(f"topics and key rings can't be made: {log.read_text('utf-8', 'replace')}")

    def _start_node(self, name, roles, ring):
        address = self._port()
        self._start(name, roles, address,
                    ["keyledger", "serve", "--roles", roles, "--log", "kafka", "--kafka.bootstrap",
                     self._state.bootstrap, "--key-ring", ring, "--listen", address, "--data-dir",
                     self._directory / "data" / name])
        return address

    def _start(self, name, role, address, command):
        log = self._logs / f"{name}.log"
        with open(log, "ab") as output:
            child = children.start([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, env=self._environment)
        self._stack.callback(self._end, child)
        self._watch(Process(name, role, address, str(log), child.pid), child)

    def _watch(self, process, child):
        self._children.append((process, child))
        self._state.processes.append(process)
        self._state.save(self._directory)

    def _port(self):
        """A free one, kept for who listens on it."""
        return self._stack.enter_context(contextlib.closing(ReservedPort())).address

    def _phase(self, what):
        self._state.phase = what
        self._state.save(self._directory)

    def _wait(self, what, condition):
        self._phase(what)
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self._reap()
            if ended := [process for process in self._state.processes if process.ended is not None]:
                tail = pathlib.Path(ended[0].log).read_text("utf-8", "replace").splitlines()[-5:]
                raise Failed("\n".join([f"{ended[0].name} ended with {ended[0].ended}", *tail]))
            if time.monotonic() > deadline:
                raise Failed(f"after {DEADLINE} s not yet: {what}")
            time.sleep(LOOK)

    def _reap(self):
        for process, child in self._children:
            if process.ended is None and child.poll() is not None:
                process.ended = child.returncode
                self._state.save(self._directory)

    @staticmethod
    def _end(child):
        """Lets it end in its own way, paused or not."""
        child.terminate()
        child.send_signal(signal.SIGCONT)
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            children.end(child)


def is_ready(address):
    said = ask.readiness(address)
    return said is not None and said["ready"]


def end(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def main(directory, program):
    signal.signal(signal.SIGTERM, end)
    tempfile.tempdir = str(directory / "data")  # Where Cluster keeps its brokers.
    with Supervisor(directory, program) as supervisor:
        try:
            supervisor.bring_up()
            supervisor.watch()
        except Exception as why:
            supervisor.fail(why)
            raise


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
