"""The brokers of the tests do what the tests believe of them."""

import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from kafka import Cluster, create_topic, kcat

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = 60  # Seconds that anything but a start may take on a busy machine.
WITH_KAFKA = [sys.executable, "-B", str(HERE / "with_kafka.py")]


def environment(**more):
    """This process's environment without a broker that is there already, and with `more`."""
    return {**{name: value for name, value in os.environ.items() if name != "KEYLEDGER_TEST_KAFKA"}, **more}


def run_with_kafka(*arguments, **env):
    """What with_kafka.py ended with, given `arguments`, in an environment with `env`."""
    return subprocess.run([*WITH_KAFKA, *arguments], env=environment(**env), capture_output=True, text=True,
                          check=False, timeout=300)


class OneBroker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())
        create_topic(cls.cluster.bootstrap, "facts")

    def test_what_was_written_is_there_after_a_kill_and_a_stop(self):
        kcat.produce(self.cluster.bootstrap, "facts", "one", "two")
        broker = self.cluster.brokers[0]
        for end in (broker.kill, broker.stop):
            end()
            self.assertFalse(broker.running)
            broker.start()
            self.assertEqual(kcat.consume(self.cluster.bootstrap, "facts"), ["one", "two"])

    def test_a_paused_one_does_not_answer_until_it_is_resumed(self):
        broker = self.cluster.brokers[0]
        broker.pause()
        self.assertIsNone(kcat.metadata(broker.bootstrap, within=1))
        broker.resume()
        broker.wait_until_it_answers()

    def test_a_paused_one_can_be_stopped_and_killed(self):
        broker = self.cluster.brokers[0]
        for end in (broker.stop, broker.kill):
            broker.pause()
            end()
            self.assertFalse(broker.running)
            broker.start()

    def test_a_topic_that_nobody_made_is_not_made(self):
        with self.assertRaises(RuntimeError):
            kcat.produce(self.cluster.bootstrap, "nobody-made-it", "lost", within=3)
        known = kcat.metadata(self.cluster.bootstrap)
        self.assertNotIn("nobody-made-it", [topic["topic"] for topic in known["topics"]])

    def test_it_outlives_the_thread_that_started_it(self):
        broker = self.cluster.brokers[0]
        broker.stop()
        starts = threading.Thread(target=broker.start)
        starts.start()
        starts.join()
        self.assertTrue(broker.running)
        self.assertIsNotNone(kcat.metadata(broker.bootstrap))


class ThreeBrokers(unittest.TestCase):
    def test_a_topic_of_three_replicas_outlives_the_kill_of_its_leader(self):
        with Cluster(brokers=3) as cluster:
            create_topic(cluster.bootstrap, "facts", replication=3)
            kcat.produce(cluster.bootstrap, "facts", "before")
            topic, = (topic for topic in kcat.metadata(cluster.bootstrap)["topics"] if topic["topic"] == "facts")
            leader = cluster.brokers[topic["partitions"][0]["leader"] - 1]
            leader.kill()
            kcat.produce(cluster.bootstrap, "facts", "without it")
            leader.start()
            kcat.produce(cluster.bootstrap, "facts", "with it")
            self.assertEqual(kcat.consume(cluster.bootstrap, "facts"), ["before", "without it", "with it"])


class BehindAProxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(proxied=True))
        cls.broker, = cls.cluster.brokers
        cls.proxy, = cls.cluster.proxies
        create_topic(cls.cluster.bootstrap, "facts")

    def test_clients_are_sent_to_the_proxy(self):
        known = kcat.metadata(self.broker.address)
        self.assertEqual([broker["name"] for broker in known["brokers"]], [self.proxy.address])
        self.assertEqual(self.cluster.bootstrap, self.proxy.address)

    def test_a_network_that_is_cut_or_held_heals(self):
        for fault in (self.proxy.cut, self.proxy.hold):
            fault()
            self.assertIsNone(kcat.metadata(self.cluster.bootstrap, within=1))
            self.assertIsNotNone(kcat.metadata(self.broker.address))
            self.proxy.heal()
            kcat.produce(self.cluster.bootstrap, "facts", fault.__name__)
        self.assertEqual(kcat.consume(self.cluster.bootstrap, "facts"), ["cut", "hold"])


class ThroughDoors(unittest.TestCase):
    def test_one_that_is_shut_leaves_the_others_open(self):
        with Cluster(doors=2) as cluster:
            create_topic(cluster.bootstrap, "facts")
            first, second = cluster.doors
            known = kcat.metadata(first.bootstrap)
            self.assertEqual([broker["name"] for broker in known["brokers"]], [first.bootstrap])
            first.proxies[0].cut()
            self.assertIsNone(kcat.metadata(first.bootstrap, within=1))
            kcat.produce(second.bootstrap, "facts", "another way")
            first.proxies[0].heal()
            self.assertEqual(kcat.consume(first.bootstrap, "facts"), ["another way"])


class WithKafka(unittest.TestCase):
    def test_the_command_has_a_broker_and_its_code_comes_back(self):
        done = run_with_kafka("sh", "-c", 'kcat -L -b "$KEYLEDGER_TEST_KAFKA" >/dev/null && exit 7')
        self.assertEqual(done.returncode, 7, done.stderr)

    def test_where_no_broker_answers_it_fails_and_says_so(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            done = run_with_kafka("true", KEYLEDGER_TEST_KAFKA=address)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"no broker answers at KEYLEDGER_TEST_KAFKA={address}", done.stderr)

    def test_nothing_runs_on_when_it_is_ended_or_killed(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        for number in (signal.SIGTERM, signal.SIGKILL):
            with subprocess.Popen([*WITH_KAFKA, "sh", "-c", "echo $$; exec sleep 600"], stdout=subprocess.PIPE,
                                  text=True, env=environment(TMPDIR=directory)) as runner:
                command = int(runner.stdout.readline())
                children = pathlib.Path(f"/proc/{runner.pid}/task").glob("*/children")
                started = [int(pid) for each in children for pid in each.read_text("ascii").split()]
                self.assertIn(command, started)
                self.assertEqual(len(started), 2)  # The other is the broker.
                watched = [os.pidfd_open(pid) for pid in started]
                runner.send_signal(number)
                for each in watched:
                    self.assertTrue(select.select([each], [], [], DEADLINE)[0], "one of its processes runs on")
                    os.close(each)
            if number == signal.SIGTERM:
                self.assertEqual(os.listdir(directory), [])


if __name__ == "__main__":
    unittest.main()
