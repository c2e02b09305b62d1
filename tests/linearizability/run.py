#!/usr/bin/python3
"""Is what three nodes on three brokers do linearizable, whatever breaks? Ten clients, a nemesis, and porcupine.

usage: run.py [--seconds 45 | --minutes N] [--seed N] [--clients 10] [--calm] [--lie NAME] [--keep DIRECTORY]

--seed repeats a run's random choices; the moments at which processes meet stay their own. --calm breaks nothing.
--lie records something wrong on purpose (lost-disable, stale-read, doubled-create, false-refusal): it must fail. What
the run leaves is kept in DIRECTORY, and where it fails in any case. The programs are those that KEYLEDGER and
LINEARIZABILITY name, or the dev build's. Ends with 3 if what clients were told or what came into the log can't be right,
and with 1 if that couldn't be seen or anything else is wrong.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("kafka", "fault", "e2e", "support"):
    sys.path.insert(0, str(ROOT / "tests" / folder))
# pylint: disable=wrong-import-position
from deployment import Deployment  # noqa: E402
from kafka import Cluster, Proxy, children  # noqa: E402
from log_check import LogCheck  # noqa: E402
from nemesis import Nemesis, Site, metric  # noqa: E402
from node import eventually, run  # noqa: E402
from ports import ReservedPort  # noqa: E402

DRIVER = os.environ.get("LINEARIZABILITY", str(ROOT / "build" / "dev" / "linearizability"))
NODES = 3
WRONG_HISTORY = 3  # How this ends then.
NOT_LINEARIZABLE = 1  # How the judge ends then.
SETTLE = 3  # Seconds of load after all was made whole.
END_WITHIN = 900  # Seconds that the driver has to read everything and to check it.


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(2**31)
    print(f"seed {seed}, {arguments.seconds:.0f} s, {arguments.clients} clients, {NODES} nodes, 3 brokers", flush=True)
    work = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="keyledger-linearizability-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        with Experiment(work, seed) as experiment:
            experiment.carry_out(arguments)
    except BaseException:
        print(f"it failed with seed {seed}; see {work}", flush=True)
        raise
    for what in experiment.wrong:
        print(f"WRONG: {what}"[:4000])
    if experiment.wrong:
        print(f"{len(experiment.wrong)} things are wrong with seed {seed}; see {work}")
        return WRONG_HISTORY if experiment.is_history_wrong else 1
    if not arguments.keep:
        shutil.rmtree(work)
    return 0


def parse_arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--calm", action="store_true")
    parser.add_argument("--lie", default="")
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    if arguments.minutes is not None:
        arguments.seconds = 60 * arguments.minutes
    return arguments


class Experiment:
    """Brokers, nodes, clients and a nemesis. What it leaves goes into `work`."""

    def __init__(self, work, seed):
        self.work = work
        self.seed = seed
        self._stack = contextlib.ExitStack()
        self.deployment = None
        self.site = None
        self.wrong = []
        self.is_history_wrong = False  # What clients were told or the log holds, rather than a node.

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        for number, node in enumerate(self.deployment.nodes, 1):
            (self.work / f"node-{number}.log").write_text("".join(node.log), "utf-8")
        self._stack.close()

    def _start(self):
        cluster = self._stack.enter_context(Cluster(brokers=3, doors=NODES))
        self.deployment = Deployment(cluster)
        self._stack.callback(self.deployment.close)
        fronts = []
        for door in self.deployment.cluster.doors:
            port = ReservedPort()
            self._stack.callback(port.close)
            fronts.append(Proxy(port.number))
            self._stack.callback(fronts[-1].close)
            node = self.deployment.node("--listen", port.address, "--advertise", f"http://{fronts[-1].address}",
                                        "--cache-size", "32MB", door=door)
            node.start()
        self.site = Site(self.deployment.nodes, fronts, self.deployment.cluster)
        self.deployment.leader()

    def carry_out(self, arguments):
        """Notes what was wrong."""
        nemesis = Nemesis(self.site, self.seed)
        driver = self._start_driver(arguments)
        try:
            if arguments.calm:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    driver.wait(arguments.seconds)
            else:
                nemesis.work(arguments.seconds)
            nemesis.heal()
            self._note("all nodes are ready again", self._wait_until_ready)
            with contextlib.suppress(subprocess.TimeoutExpired):
                driver.wait(SETTLE)
            self._take_over(driver, "the clients", driver.communicate(timeout=END_WITHIN)[0])
        finally:
            children.end(driver)
            self._write_faults(nemesis)
        attempts = [json.loads(line) for line in (self.work / "history.jsonl").read_text("utf-8").splitlines()]
        self._print_faults(nemesis, attempts)
        self._check_nodes(nemesis)
        events = self.deployment.replay()
        with open(self.work / "log.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        self._judge(arguments.lie)
        self._check_log(events, attempts)
        self._check_models()

    def _start_driver(self, arguments):
        token = run("token", "--key-ring", self.deployment.ring, "--account", "linear", "--username",
                    "linear@example.com", "--ttl", "24h")[0].strip()
        nodes = ",".join(f"http://127.0.0.1:{node.port}" for node in self.site.nodes)
        return children.start(
            [DRIVER, f"-nodes={nodes}", f"-token={token}", f"-clients={arguments.clients}", f"-seed={self.seed}",
             f"-directory={self.work}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _take_over(self, process, name, said):
        """What a run of the driver printed and how it ended."""
        print(said, end="", flush=True)
        if process.returncode != 0:
            self.wrong.append(f"{name}: exit code {process.returncode}")
        return process.returncode

    def _judge(self, lie):
        judge = subprocess.run(
            [DRIVER, f"-judge={self.work / 'history.jsonl'}", f"-log={self.work / 'log.jsonl'}", f"-lie={lie}",
             f"-directory={self.work}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False, timeout=END_WITHIN)
        if self._take_over(judge, "porcupine", judge.stdout) == NOT_LINEARIZABLE:
            self.is_history_wrong = True

    def _wait_until_ready(self):
        for node in self.site.nodes:
            try:
                eventually(lambda node=node: node.get("/readyz", fresh=True).status == 200, "it is ready")
            except AssertionError as late:
                said = node.get("/readyz", fresh=True, check=False).body.decode()
                raise AssertionError(f"{node.data_dir.name} isn't ready: {said}") from late

    def _note(self, what, check, of_history=False):
        """Goes on after something was wrong: all that is to be known of a run is to be seen at once."""
        try:
            check()
            print(f"right: {what}", flush=True)
        except AssertionError as wrong:
            self.wrong.append(f"{what}: {wrong}")
            self.is_history_wrong |= of_history

    def _check_nodes(self, nemesis):
        def no_rejected():
            rejected = [metric(node, "keyledger_projection_rejected_total", 10) for node in self.site.nodes]
            assert rejected == [0] * NODES and nemesis.rejected == 0, f"{rejected}, and {nemesis.rejected} before"
        self._note("no projector rejected anything", no_rejected, of_history=True)
        self._note("all nodes come to the log's end", self.deployment.wait_until_equal)

    def _check_log(self, events, attempts):
        kinds = collections.Counter(event["type"].removeprefix("keyledger.") for event in events)
        print(f"log: {len(events)} events, {kinds['WriterElected']} terms", flush=True)
        self._note("the log has what was acknowledged once, and nothing that nobody asked for",
                   LogCheck(events, attempts).check, of_history=True)

    def _check_models(self):
        def are_equal():
            # A node that may lead writes when another one stops: none of these can.
            for node in self.deployment.nodes:
                node.stop()
            for node in self.deployment.nodes:
                node.flags += ["--roles", "query,verify"]
                node.start()
            self.deployment.wait_until_equal()
            checksums = self.deployment.checksums()
            assert len(set(checksums)) == 1, checksums
            copy = self.deployment.work / "copy"
            shutil.copytree(self.deployment.nodes[0].data_dir, copy, ignore=shutil.ignore_patterns("admin.sock"))
            rebuilt = run("projection", "rebuild", "--data-dir", copy, "--log", "kafka", *self.deployment.kafka)[0]
            assert rebuilt == checksums[0], f"rebuilt {rebuilt}, live {checksums[0]}"
        self._note("all read models are equal, and equal to one that is made from zero", are_equal)

    def _write_faults(self, nemesis):
        with open(self.work / "faults.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(vars(fault)) + "\n" for fault in nemesis.faults)

    @staticmethod
    def _print_faults(nemesis, attempts):
        counts = collections.Counter(fault.name for fault in nemesis.faults)
        print(f"{len(nemesis.faults)} faults: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
        if nemesis.exits:
            print(f"nodes that did not start at once: {len(nemesis.exits)}; the last: {nemesis.exits[-1]:.300}")
        commands = [attempt for attempt in attempts if attempt["input"]["kind"] not in ("get", "verify")
                    and 200 <= attempt.get("status", 0) < 300]
        for name in ("kill node", "stop node"):
            times = sorted(time for time in (fail_over(fault.began, commands) for fault in nemesis.faults
                                             if fault.name == name and fault.of_leader) if time is not None)
            if times:
                print(f"{name}, a leader, to the next accepted command: p50 {statistics.median(times):.1f} s, "
                      f"worst {times[-1]:.1f} s, of {len(times)}")


def fail_over(began, accepted):
    """Seconds from `began` until a command was accepted that was asked for after it."""
    ends = [attempt["return"] for attempt in accepted if attempt["call"] > began]
    return (min(ends) - began) / 1e9 if ends else None


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"took {time.monotonic() - started:.0f} s")
    sys.exit(code)
