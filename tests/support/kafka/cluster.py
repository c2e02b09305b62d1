"""A Kafka cluster of one or three brokers on 127.0.0.1, whose data is gone when it ends."""

import base64
import pathlib
import subprocess
import tempfile
import uuid

from certificates import make_certificate
from ports import ReservedPort

from . import children, jars
from .broker import Broker
from .proxy import Proxy

FORMAT_DEADLINE = 90  # Seconds.


class Door:
    """A way into a cluster that leads to each broker through a Proxy (`proxies`, in the order of the brokers)."""

    def __init__(self, name, proxies):
        self.name = name
        self.proxies = proxies

    @property
    def bootstrap(self):
        return ",".join(proxy.address for proxy in self.proxies)


class Cluster:
    """Brokers that are controllers too (KRaft). Starts and ends with the context.

    With three, a topic has three replicas and a write needs two of them where nothing else is said. `proxied`: clients
    reach each broker only through a Proxy of its own (`proxies`, in the order of `brokers`), the brokers reach each
    other without. `doors`: so many further ways in beside that, each a Door, so that single clients can be cut off.
    `users` (names and passwords) have a way in of their own, `secured`, by TLS (`authority` is whom to trust) and
    SASL/PLAIN, and may do what ACLs allow; who comes another way may do all. `settings` are more lines for each
    server.properties, and win.
    """

    def __init__(self, brokers=1, proxied=False, settings=None, doors=0, users=None):
        assert brokers in (1, 3), "a quorum is 1 or 3 here"
        self._directory = tempfile.TemporaryDirectory(prefix="keyledger-kafka-", ignore_cleanup_errors=True)
        doors = [f"DOOR{number}" for number in range(doors)]
        self._users = users or {}
        secured = ["SECURED"] if users else []
        self._ports = [{name: ReservedPort() for name in ("PLAINTEXT", "INTERNAL", "CONTROLLER", *doors, *secured)}
                       for _ in range(brokers)]
        if users:
            self.authority, self._key = make_certificate(pathlib.Path(self._directory.name))
        self._settings = settings or {}
        self.proxies = [Proxy(ports["PLAINTEXT"].number) for ports in self._ports] if proxied else []
        self.doors = [Door(name, [Proxy(ports[name].number) for ports in self._ports]) for name in doors]
        self.brokers = [self._broker(number) for number in range(1, brokers + 1)]
        self._formatted = False

    @property
    def bootstrap(self):
        """Where clients find the cluster, for `bootstrap.servers`."""
        return ",".join(broker.bootstrap for broker in self.brokers)

    @property
    def secured(self):
        """Where `users` find it."""
        return ",".join(ports["SECURED"].address for ports in self._ports)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind, value, trace):
        self.close()

    def start(self):
        """Starts the brokers that don't run, and waits until each knows all. Raises jars.NoBroker."""
        if not self._formatted:
            self._format()
        for broker in self.brokers:
            if not broker.running:
                broker.launch()
        for broker in self.brokers:
            broker.wait_until_it_answers(beside=[other.number for other in self.brokers])
        return self

    def close(self):
        """Kills what runs and removes all data."""
        for broker in self.brokers:
            broker.kill()
        for proxy in (*self.proxies, *(proxy for door in self.doors for proxy in door.proxies)):
            proxy.close()
        for port in (port for ports in self._ports for port in ports.values()):
            port.close()
        self._directory.cleanup()

    def _broker(self, number):
        home = pathlib.Path(self._directory.name, f"broker-{number}")
        home.mkdir()
        address = self._ports[number - 1]["PLAINTEXT"].address
        bootstrap = self.proxies[number - 1].address if self.proxies else address
        lines = {**self._properties(number, home, bootstrap), **self._secured_properties(home), **self._settings}
        path = home / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), "utf-8")
        return Broker(number, path, address, bootstrap)

    def _properties(self, number, home, bootstrap):
        ports, brokers = self._ports[number - 1], len(self._ports)
        replicas, in_sync = (3, 2) if brokers == 3 else (1, 1)
        advertised = {"PLAINTEXT": bootstrap, "INTERNAL": ports["INTERNAL"].address,
                      **{door.name: door.proxies[number - 1].address for door in self.doors},
                      **{name: port.address for name, port in ports.items() if name == "SECURED"}}
        voters = [f"{voter}@{its['CONTROLLER'].address}" for voter, its in enumerate(self._ports, 1)]
        return {
            "node.id": number,
            "process.roles": "broker,controller",
            "controller.quorum.voters": ",".join(voters),
            "listeners": ",".join(f"{name}://{port.address}" for name, port in ports.items()),
            "advertised.listeners": ",".join(f"{name}://{address}" for name, address in advertised.items()),
            "listener.security.protocol.map": ",".join(
                f"{name}:{'SASL_SSL' if name == 'SECURED' else 'PLAINTEXT'}" for name in ports),
            "inter.broker.listener.name": "INTERNAL",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": home / "data",
            "auto.create.topics.enable": "false",
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": 3,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 3,
            "group.initial.rebalance.delay.ms": 0,
            # The controller takes a killed broker back, and moves what a lost one led, only after this time-out.
            "broker.session.timeout.ms": 4000,
            "broker.heartbeat.interval.ms": 500,
            # The cleaner looks often and takes little of a small heap; when a topic is due is the topic's own matter.
            "log.cleaner.backoff.ms": 500,
            "log.cleaner.dedupe.buffer.size": 4 << 20,
            "log.cleaner.io.buffer.size": 1 << 16,
        }

    def _secured_properties(self, home):
        if not self._users:
            return {}
        pair = home / "certificate-and-key.pem"
        pair.write_text(self._key.read_text("ascii") + self.authority.read_text("ascii"), "ascii")
        users = " ".join(f'user_{name}="{password}"' for name, password in self._users.items())
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        return {
            "listener.name.secured.ssl.keystore.type": "PEM",
            "listener.name.secured.ssl.keystore.location": pair,
            "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secured.plain.sasl.jaas.config": f"{module} required {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    def _format(self):
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        formats = [children.start(
            jars.command("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config",
                         pathlib.Path(self._directory.name, f"broker-{broker.number}", "server.properties"),
                         options=["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for broker in self.brokers]
        try:
            for one in formats:
                said, _ = one.communicate(timeout=FORMAT_DEADLINE)
                if one.returncode != 0:
                    raise jars.NoBroker(f"kafka-storage format ended with {one.returncode}:\n{said}")
        except subprocess.TimeoutExpired as late:
            raise jars.NoBroker(f"kafka-storage format took over {FORMAT_DEADLINE} s") from late
        finally:
            for one in formats:
                children.end(one)
        self._formatted = True
