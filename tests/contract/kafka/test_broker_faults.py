"""What writers of the Kafka log were told is true, whatever happens to them, to the brokers and between them.

The environment names the driver: KEYLEDGER_KAFKA_DRIVER. KEYLEDGER_FAULT_SECONDS and KEYLEDGER_FAULT_SEED make a run longer,
or another.
"""

import collections
import os
import random
import signal
import subprocess
import tempfile
import time
import unittest

from kafka import Cluster

DRIVER = os.environ["KEYLEDGER_KAFKA_DRIVER"]
SECONDS = float(os.environ.get("KEYLEDGER_FAULT_SECONDS", 40))
SEED = int(os.environ.get("KEYLEDGER_FAULT_SEED", 1))
DEADLINE = 120  # Seconds.


class Writer:
    """A process that writes until it is stopped or killed, and what it was told."""

    def __init__(self, cluster, name):
        self._told = tempfile.TemporaryFile("w+", encoding="utf-8")
        self._process = subprocess.Popen([DRIVER, "write", cluster.bootstrap, "log", name], text=True,
                                         stdin=subprocess.PIPE, stdout=self._told)

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        self._process.stdin.close()
        code = self._process.wait(DEADLINE)
        if code not in (0, -signal.SIGKILL):
            raise AssertionError(f"a writer ended with {code}")

    def close(self):
        """Ends it where it isn't ended yet."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process.stdin.close()
        self._told.close()

    def told(self):
        """(what, [position], text) for each event. The last line of one that was killed may be cut off."""
        self._told.seek(0)
        for line in self._told:
            if line.endswith("\n"):
                what, *position, text = line.split()
                yield what, [int(p) for p in position], text


def read(cluster, recent_events):
    done = subprocess.run([DRIVER, "read", cluster.bootstrap, "log", str(recent_events)], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=DEADLINE)
    return [(int(position), text) for position, text in (line.split() for line in done.stdout.splitlines())]


class Faults(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        self.writers = []
        self.names = iter(range(1_000_000))

    def new_writer(self, cluster):
        writer = Writer(cluster, f"w{next(self.names)}")
        self.addCleanup(writer.close)
        self.writers.append(writer)
        return writer

    def test_of_two_writers_and_one_broker(self):
        with Cluster(1) as cluster:
            subprocess.run([DRIVER, "create", cluster.bootstrap, "log"], check=True, timeout=DEADLINE)
            self.running = [self.new_writer(cluster) for _ in range(2)]
            faults = collections.Counter()
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                time.sleep(self.random.uniform(0.5, 3))  # It is what the faults are spread over, not a wait.
                fault = self.random.choice([self.pause_writer, self.kill_writer, self.pause_broker, self.kill_broker,
                                            self.pause_writer])
                faults[fault.__name__] += 1
                fault(cluster)
            for writer in self.running:
                writer.stop()
            self.check(cluster, faults)

    def pause_writer(self, _cluster):
        writer = self.random.choice(self.running)
        writer.signal(signal.SIGSTOP)
        time.sleep(self.random.choice([0.2, 1.5, 8]))
        writer.signal(signal.SIGCONT)

    def kill_writer(self, cluster):
        index = self.random.randrange(len(self.running))
        self.running[index].signal(signal.SIGKILL)
        self.running[index].stop()
        self.running[index] = self.new_writer(cluster)

    def pause_broker(self, cluster):
        cluster.brokers[0].pause()
        time.sleep(self.random.choice([0.2, 2, 5]))
        cluster.brokers[0].resume()

    def kill_broker(self, cluster):
        cluster.brokers[0].kill()
        cluster.brokers[0].start()

    def check(self, cluster, faults):
        events = read(cluster, 65536)
        self.assertEqual(events, read(cluster, 3))
        position_of = {text: position for position, text in events}
        self.assertEqual(len(position_of), len(events), "an event is there twice")
        self.assertEqual([position for position, _ in events], sorted(position for position, _ in events))
        told = collections.Counter()
        for writer in self.writers:
            for what, position, text in writer.told():
                told[what] += 1
                if what == "ok":
                    self.assertEqual([position_of.get(text)], position, text)
                elif what == "unavailable":
                    self.assertNotIn(text, position_of)
        print(f"{dict(faults)}: {len(events)} events; writers were told {dict(told)}")
        self.assertGreater(told["ok"], 100)


if __name__ == "__main__":
    unittest.main()
