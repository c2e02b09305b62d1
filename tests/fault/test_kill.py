"""Kills the node at random moments under load: what was acknowledged stays, nothing happens twice, and no key that
was taken back is let in.

FAULT_SEED repeats a run's random choices (the moments at which threads meet stay their own), and
FAULT_KILLS and FAULT_CLIENTS set how often the node is killed, and under how many clients.
"""

import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import threading
import unittest

import ledger
from clients import Caller, Client, Revoked, wait_until
from node import ADA, DEADLINE, Node, run
from ports import ReservedPort

SEED = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(2**32))
KILLS = int(os.environ.get("FAULT_KILLS", "50"))
CLIENTS = int(os.environ.get("FAULT_CLIENTS", "8"))


class Load:
    """Threads that repeat `step` until the end, or until one of them fails."""

    def __init__(self):
        self.failure = None
        self._end = threading.Event()
        self._threads = []

    def add(self, step):
        self._threads.append(threading.Thread(target=self._run, args=(step,), daemon=True))
        self._threads[-1].start()

    def _run(self, step):
        try:
            while not self._end.is_set():
                step()
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = self.failure or failure
            self._end.set()

    def check(self):
        if self.failure is not None:
            raise self.failure

    def stop(self):
        """Each thread ends when what it began is answered."""
        self._end.set()
        for thread in self._threads:
            thread.join(2 * DEADLINE)
            assert not thread.is_alive(), "a client hangs"


class Verifier:
    """Asks all along whether keys that were taken back are let in."""

    def __init__(self, port, revoked, rng):
        self.revoked = revoked
        self.rng = rng
        self.caller = Caller(port)
        self.asked = 0
        self.rejected = 0

    def step(self):
        asked = self.revoked.sample(self.rng, 50)
        if not asked:
            return
        keys = [{"key": value} for value, _ in asked]
        verdicts = self.caller.until_answered("POST", "/v1/verify/batch", {"keys": keys})
        assert verdicts.status == 200, verdicts
        self._judge(asked, [verdict["code"] for verdict in verdicts.json["results"]])

        one = self.rng.choice(asked)
        verdict = self.caller.until_answered("POST", "/v1/verify", {"key": one[0]})
        self._judge([one], [verdict.json["code"]])
        let_in = self.caller.until_answered("GET", "/v1/forward-auth", headers={"X-API-Key": one[0]})
        self._judge([one], ["VALID" if let_in.status == 200 else "DISABLED"])

    def _judge(self, asked, codes):
        for (value, since), code in zip(asked, codes):
            held = self.revoked.still_holds(value, since)
            assert not held or code in ("DISABLED", "NOT_FOUND"), f"a key that was taken back is {code}: {value}"
            self.asked += held


def rejected_total(port):
    caller = Caller(port)
    metrics = caller.until_answered("GET", "/metrics").body.decode()
    caller.close()
    return int(re.search(r"^keyledger_projection_rejected_total (\d+)$", metrics, re.M)[1])


def errors_logged(node):
    """But for a last line that a kill cut off."""
    return [line for line in node.log if '"level":"error"' in line]


class Kill(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="keyledger-kill-")
        self.addCleanup(directory.cleanup)
        self.port = ReservedPort()
        self.addCleanup(self.port.close)
        self.node = Node(pathlib.Path(directory.name) / "data", "--listen", self.port.address)
        self.addCleanup(self._end)
        self.rng = random.Random(SEED)

    def _end(self):
        if self.node.process is not None:
            self.node.stop(expect=None, how=signal.SIGKILL)

    def kill_after(self, seconds):
        """Kills the node then, which must not have ended by itself before."""
        try:
            status = self.node.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.node.kill()
        else:
            self.fail(f"it ended by itself with {status}: " + "".join(self.node.log[-5:]))

    def test_under_load_loses_nothing_and_repeats_nothing(self):
        print(f"FAULT_SEED={SEED}", flush=True)
        self.node.start()
        revoked = Revoked()
        clients = [Client(f"client-{i}", self.port.number,
                          self.node.token(f"client-{i}", f"client-{i}@example.com"), f"client-{i}@example.com",
                          random.Random(self.rng.random()), revoked) for i in range(CLIENTS)]
        verifier = Verifier(self.port.number, revoked, random.Random(self.rng.random()))
        load = Load()
        for thread in (*clients, verifier):
            self.addCleanup(thread.caller.close)
            load.add(thread.step)
        try:
            self._kill_often(load)
            self._see_each_go_on(clients, load)
        finally:
            load.stop()
        load.check()
        self.assertEqual(errors_logged(self.node), [])

        for client in clients:
            client.check_state()
            for command in client.commands:
                client.repeat(command)
        self.assertEqual(rejected_total(self.port.number), 0)
        print(f"{sum(len(client.commands) for client in clients)} commands, "
              f"{sum(client.repeats for client in clients)} repeated, "
              f"{sum(client.caller.broken for client in clients)} broken attempts, "
              f"{verifier.asked} verdicts on keys that were taken back", flush=True)
        self.assertGreater(verifier.asked, 0)

        self.node.stop()
        self._check_log(clients)
        self._check_rebuild()

    def _kill_often(self, load):
        for _ in range(KILLS):
            if self.rng.random() < 0.7:
                # Some of the moments count from when it serves, so that there is load, however slow the machine.
                self.node.wait_until_listening()
            self.kill_after(self.rng.choice([0.002, 0.02, 0.1, 0.3, 1.0]) * self.rng.random())
            load.check()
            self.node.launch()
        self.node.wait_until_listening()

    @staticmethod
    def _see_each_go_on(clients, load):
        """On the last life too, so that what was in doubt at the last kill is settled under load."""
        done = [len(client.commands) for client in clients]
        wait_until(lambda: load.failure or all(len(client.commands) > n for client, n in zip(clients, done)),
                   "each client to go on")

    def _check_log(self, clients):
        events = ledger.replay(self.node.data_dir)
        ledger.check_order(events)
        ledger.check_versions(events)
        ledger.check_clients(events, clients)
        ledger.check_schemas(events)

    def _check_rebuild(self):
        live = run("projection", "checksum", "--data-dir", self.node.data_dir)[0]
        self.assertEqual(run("projection", "rebuild", "--data-dir", self.node.data_dir)[0], live)
        self.assertEqual(run("projection", "checksum", "--data-dir", self.node.data_dir)[0], live)

    def test_in_the_very_first_start_leaves_a_directory_that_starts(self):
        for moment in range(12):
            with self.subTest(moment=moment):
                self.node.data_dir = self.node.data_dir.with_name(f"data-{moment}")
                for _ in range(2):
                    self.node.launch()
                    self.kill_after(0.12 * self.rng.random())
                self.node.start()
                client = Client("acme", self.port.number, self.node.token(), ADA, self.rng, Revoked())
                while len(client.commands) < 3:
                    client.step()
                client.check_state()
                client.caller.close()
                self.node.stop()
                self._check_log([client])


if __name__ == "__main__":
    unittest.main()
