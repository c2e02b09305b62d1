"""Breaks nodes, brokers and the network between them, at random and for a while each time.

    nemesis = Nemesis(Site(deployment, proxies), seed)
    nemesis.work(45)        # Seconds.
    nemesis.heal()          # All that was broken; every node and broker runs.
    nemesis.faults          # What was done, and when.
"""

import contextlib
import dataclasses
import http.client
import random
import re
import signal
import threading
import time

from kafka import kcat

START_WITHIN = 90  # Seconds that a node may take to serve, with whatever is broken meanwhile.
IN_SYNC_WITHIN = 30  # Seconds that the replicas of a broker which is back may take to be as new as the others.


@dataclasses.dataclass
class Site:
    """What can be broken: `nodes`, the `front` (a Proxy) through which other nodes reach each, and a `cluster` to whose
    brokers each node has a door of its own.
    """

    nodes: list
    fronts: list
    cluster: object


@dataclasses.dataclass
class Fault:
    """Something that was broken, from when on and until when (nanoseconds since 1970)."""

    name: str
    target: str
    began: int
    ended: int = 0
    of_leader: bool = False


def metric(node, name, within=1.0):
    """Of a node that may be paused or gone: then None."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=within)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return None
    found = re.search(rf"^{name} (\S+)$", text, re.M)
    return float(found[1]) if found else None


class Nemesis:
    """Two hands work at the same time: one breaks nodes, one brokers and the network; each one thing at a time."""

    def __init__(self, site, seed):
        self.site = site
        self.faults = []
        self.rejected = 0  # Runs that projectors rejected, of nodes that have ended since.
        self.exits = []  # Of nodes that ended by themselves while they started.
        self.failure = None
        self._seed = seed
        self._end = threading.Event()
        self._lock = threading.Lock()

    def work(self, seconds):
        """Breaks things for so long, and one thing after the other whole again. Raises what a hand failed with."""
        hands = [threading.Thread(target=self._hand, args=(random.Random(f"{self._seed} {name}"), faults))
                 for name, faults in (("nodes", self._node_faults()), ("brokers", self._broker_faults()))]
        for hand in hands:
            hand.start()
        self._end.wait(seconds)
        self._end.set()
        for hand in hands:
            hand.join()
        if self.failure is not None:
            raise self.failure

    def heal(self):
        """Makes all that there is whole."""
        for proxy in self._all_proxies():
            proxy.heal()
        for broker in self.site.cluster.brokers:
            with contextlib.suppress(AssertionError):
                broker.resume()
        self.site.cluster.start()
        for node in self.site.nodes:
            assert node.process is not None and node.process.poll() is None, f"it ended by itself: {node.log[-5:]}"

    def _all_proxies(self):
        return [*self.site.fronts, *(proxy for door in self.site.cluster.doors for proxy in door.proxies)]

    def _node_faults(self):
        return {self._kill_node: 4, self._stop_node: 2, self._pause_node: 4, self._cut_node_off: 3, self._hold_node: 3,
                self._cut_node_from_broker: 2, self._slow_node_down: 1, self._break_front: 2}

    def _broker_faults(self):
        return {self._kill_broker: 3, self._stop_broker: 1, self._pause_broker: 3, self._cut_broker_off: 2,
                self._hold_broker: 2, self._hold_all_brokers: 1}

    def _hand(self, rng, faults):
        try:
            while not self._end.wait(rng.uniform(0.5, 6)):
                rng.choices(list(faults), list(faults.values()))[0](rng)
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = self.failure or failure
            self._end.set()

    @contextlib.contextmanager
    def _fault(self, name, target, of_leader=False):
        fault = Fault(name, target, time.time_ns(), of_leader=of_leader)
        with self._lock:
            self.faults.append(fault)
        try:
            yield fault
        finally:
            fault.ended = time.time_ns()

    def _hold_for(self, rng, least, most):
        """A while, which ends early when everything does."""
        self._end.wait(rng.uniform(least, most))

    # Nodes.

    def _some_node(self, rng):
        """Its number, and whether it leads: the leader as a rule."""
        chance, other = rng.random(), rng.randrange(len(self.site.nodes))
        leads = [metric(node, "keyledger_writer_leads") == 1 for node in self.site.nodes]
        number = leads.index(True) if chance < 0.65 and any(leads) else other
        node = self.site.nodes[number]
        assert node.process.poll() is None, f"node {number + 1} ended by itself: {node.log[-5:]}"
        return number, leads[number]

    def _note_rejected(self, node):
        self.rejected += metric(node, "keyledger_projection_rejected_total") or 0

    def _start_node(self, node):
        """As often as it takes, like what supervises it would: without brokers it may not start."""
        deadline = time.monotonic() + START_WITHIN
        while True:
            node.launch()
            try:
                node.wait_until_listening()
                return
            except AssertionError as why:
                self.exits.append(str(why))
                node.process = None
                assert time.monotonic() < deadline, f"it doesn't start: {why}"
                time.sleep(0.2)

    def _kill_node(self, rng):
        number, leads = self._some_node(rng)
        node, front = self.site.nodes[number], self.site.fronts[number]
        self._note_rejected(node)
        with self._fault("kill node", f"node {number + 1}", leads):
            node.kill()
            front.cut()  # Where nobody listens, nobody is let in.
            self._hold_for(rng, 0.1, 5)
            self._start_node(node)
            front.heal()

    def _stop_node(self, rng):
        number, leads = self._some_node(rng)
        node, front = self.site.nodes[number], self.site.fronts[number]
        self._note_rejected(node)
        with self._fault("stop node", f"node {number + 1}", leads):
            node.stop()
            front.cut()
            self._hold_for(rng, 0, 2)
            self._start_node(node)
            front.heal()

    def _pause_node(self, rng):
        number, leads = self._some_node(rng)
        process = self.site.nodes[number].process
        with self._fault("pause node", f"node {number + 1}", leads):
            process.send_signal(signal.SIGSTOP)
            self._hold_for(rng, 0.2, 8)
            process.send_signal(signal.SIGCONT)

    def _break_proxies(self, rng, what, proxies, most):
        """`what`: a name of Proxy's ways to be broken."""
        for proxy in proxies:
            if what == "cut":
                proxy.cut()
            elif what == "hold":
                proxy.hold()
            elif what == "hold requests":
                proxy.hold(answers=False)
            elif what == "hold answers":
                proxy.hold(requests=False)
            else:
                proxy.delay(rng.uniform(0.005, 0.2))
        self._hold_for(rng, 0.5, most)
        for proxy in proxies:
            proxy.heal()

    def _cut_node_off(self, rng):
        number, leads = self._some_node(rng)
        with self._fault("cut node off from all brokers", f"node {number + 1}", leads):
            self._break_proxies(rng, "cut", self.site.cluster.doors[number].proxies, 10)

    def _hold_node(self, rng):
        number, leads = self._some_node(rng)
        what = rng.choice(["hold", "hold requests", "hold answers"])
        with self._fault(f"{what} between node and all brokers", f"node {number + 1}", leads):
            self._break_proxies(rng, what, self.site.cluster.doors[number].proxies, 10)

    def _cut_node_from_broker(self, rng):
        number, leads = self._some_node(rng)
        proxy = rng.choice(self.site.cluster.doors[number].proxies)
        what = rng.choice(["cut", "hold", "hold answers"])
        with self._fault(f"{what} between node and one broker", f"node {number + 1}", leads):
            self._break_proxies(rng, what, [proxy], 10)

    def _slow_node_down(self, rng):
        number, leads = self._some_node(rng)
        with self._fault("delay between node and all brokers", f"node {number + 1}", leads):
            self._break_proxies(rng, "delay", self.site.cluster.doors[number].proxies, 8)

    def _break_front(self, rng):
        number, leads = self._some_node(rng)
        what = rng.choice(["cut", "hold", "hold answers", "delay"])
        with self._fault(f"{what} between other nodes and node", f"node {number + 1}", leads):
            self._break_proxies(rng, what, [self.site.fronts[number]], 6)

    # Brokers: one at a time, so that a majority is there, but for seconds. Where the next is broken before the last one's
    # replicas have caught up, as now and then here, nothing can be written until they have.

    def _wait_until_in_sync(self, rng):
        deadline = time.monotonic() + (IN_SYNC_WITHIN if rng.random() < 0.85 else 0)
        while time.monotonic() < deadline and not self._end.is_set():
            known = kcat.metadata(self.site.cluster.bootstrap)
            if known and all(len(partition["isrs"]) == len(self.site.cluster.brokers)
                             for topic in known["topics"] for partition in topic["partitions"]):
                return
            self._end.wait(0.3)

    def _kill_broker(self, rng):
        broker = rng.choice(self.site.cluster.brokers)
        with self._fault("kill broker", f"broker {broker.number}"):
            broker.kill()
            self._hold_for(rng, 0.5, 6)
            broker.start()
        self._wait_until_in_sync(rng)

    def _stop_broker(self, rng):
        broker = rng.choice(self.site.cluster.brokers)
        with self._fault("stop broker", f"broker {broker.number}"):
            broker.stop()
            self._hold_for(rng, 0, 3)
            broker.start()
        self._wait_until_in_sync(rng)

    def _pause_broker(self, rng):
        broker = rng.choice(self.site.cluster.brokers)
        with self._fault("pause broker", f"broker {broker.number}"):
            broker.pause()
            self._hold_for(rng, 0.3, 8)
            broker.resume()
        self._wait_until_in_sync(rng)

    def _doors_to(self, broker):
        return [door.proxies[broker.number - 1] for door in self.site.cluster.doors]

    def _cut_broker_off(self, rng):
        broker = rng.choice(self.site.cluster.brokers)
        with self._fault("cut broker off from all nodes", f"broker {broker.number}"):
            self._break_proxies(rng, "cut", self._doors_to(broker), 8)

    def _hold_broker(self, rng):
        broker = rng.choice(self.site.cluster.brokers)
        what = rng.choice(["hold", "hold requests", "hold answers", "delay"])
        with self._fault(f"{what} between broker and all nodes", f"broker {broker.number}"):
            self._break_proxies(rng, what, self._doors_to(broker), 8)

    def _hold_all_brokers(self, rng):
        what = rng.choice(["cut", "hold answers"])
        with self._fault(f"{what} between all brokers and all nodes", "all brokers"):
            self._break_proxies(rng, what, [proxy for door in self.site.cluster.doors for proxy in door.proxies], 3)
