"""One Kafka broker: a process of its own, which can be stopped, killed, paused and started again."""

import os
import signal
import socket
import subprocess
import time

from . import children, jars, kcat

DEADLINE = 90  # Seconds that a broker may take to answer; 2 on an idle machine.


class Broker:
    """The broker that `properties`, a path of a server.properties beside which it keeps its log, describes.

    `address` is its own listener for clients, `bootstrap` what it tells them (a proxy in front of it, or the same).
    Ends with this process at the latest, however that ends.
    """

    def __init__(self, number, properties, address, bootstrap):
        self.number = number
        self.address = address
        self.bootstrap = bootstrap
        self.process = None
        self._properties = properties
        self._log = properties.with_name("broker.log")

    @property
    def pid(self):
        return self.process.pid

    @property
    def data(self):
        """The folder of its logs, one below it for each partition (`secrets-0`): for tests of what is erased."""
        return self._properties.with_name("data")

    @property
    def running(self):
        """Whether its process is there, paused or not."""
        return self.process is not None and self.process.poll() is None

    def start(self):
        """Starts it, with the data that it had, and waits until it answers."""
        self.launch()
        return self.wait_until_it_answers()

    def launch(self):
        """Starts it and does not wait for it."""
        assert not self.running, f"broker {self.number} is running"
        with open(self._log, "ab") as log:
            self.process = children.start(
                jars.command("kafka.Kafka", self._properties, options=["-Xms128m", "-Xmx384m", "-XX:+UseG1GC"]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def wait_until_it_answers(self, beside=()):
        """Waits until it takes part in the cluster, as it says itself, and so do the brokers `beside` it (numbers).

        Raises jars.NoBroker, with the end of the broker's log, when it ends or takes too long.
        """
        wanted = {self.number, *beside}
        deadline = time.monotonic() + DEADLINE
        while wanted - (known := self._known()):
            if not self.running:
                raise jars.NoBroker(f"broker {self.number} ended with {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise jars.NoBroker(f"broker {self.number} took over {DEADLINE} s, and knows of {known}:\n"
                                    f"{self.log_tail()}")
            time.sleep(0.05)
        return self

    def stop(self):
        """Lets it hand over what it leads and end (SIGTERM), and waits for that. A paused one is resumed first."""
        self._signal(signal.SIGTERM)
        self.resume()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        """Ends it at once (SIGKILL), paused or not; nothing if it isn't running."""
        if self.process is not None:
            children.end(self.process)

    def pause(self):
        """Stands it still (SIGSTOP): its sockets stay, and the kernel goes on to accept connections for it."""
        self._signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self):
        self._signal(signal.SIGCONT)

    def log_tail(self, lines=40):
        """The last lines of what it said: warnings and errors, of all its runs."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-lines:])

    def _known(self):
        """The numbers of the brokers that take part, as this one says; none where it doesn't answer."""
        try:
            socket.create_connection(("127.0.0.1", int(self.address.rpartition(":")[2])), 1).close()
        except OSError:  # kcat, which is asked next, would try that again after a second.
            return set()
        known = kcat.metadata(self.address)
        return {broker["id"] for broker in known["brokers"]} if known else set()

    def _signal(self, number):
        assert self.running, f"broker {self.number} isn't running"
        self.process.send_signal(number)
