"""Makes topics, and whatever else Kafka's own tools can do to them."""

import json
import subprocess
import tempfile

from . import jars

DEADLINE = 120  # Seconds. It is a Java of its own: 2 s on an idle machine.


def topics(bootstrap, *arguments):
    """Runs kafka-topics with `arguments` (`"--describe"`) and gives back what it printed."""
    return _run("org.apache.kafka.tools.TopicCommand", bootstrap, *arguments)


def configs(bootstrap, *arguments):
    """Runs kafka-configs with `arguments` (`"--alter", …`) and gives back what it printed."""
    return _run("kafka.admin.ConfigCommand", bootstrap, *arguments)


def acls(bootstrap, *arguments):
    """Runs kafka-acls with `arguments` (`"--add"`, …) and gives back what it printed."""
    return _run("org.apache.kafka.tools.AclCommand", bootstrap, *arguments)


def move_leaders(bootstrap, names, brokers):
    """Lets the first of `brokers` (`[2, 3, 1]`, which have the replicas) lead partition 0 of the topics `names`: all go
    on, and no connection ends.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"version": 1, "partitions": [{"topic": name, "partition": 0, "replicas": brokers}
                                                for name in names]}, file)
        file.flush()
        _run("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", bootstrap,
             "--reassignment-json-file", file.name, "--execute")
    _run("org.apache.kafka.tools.LeaderElectionCommand", bootstrap, "--election-type", "preferred",
         "--all-topic-partitions")


def _run(tool, bootstrap, *arguments):
    done = subprocess.run(
        jars.command(tool, "--bootstrap-server", bootstrap, *arguments,
                     options=["-Xmx128m", "-XX:TieredStopAtLevel=1"]),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=DEADLINE)
    if done.returncode != 0:
        raise RuntimeError(f"{tool} {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def create_topic(bootstrap, name, partitions=1, replication=1, settings=None):
    """Creates a topic with `settings` (`{"cleanup.policy": "compact"}`)."""
    given = [word for setting, value in (settings or {}).items() for word in ("--config", f"{setting}={value}")]
    topics(bootstrap, "--create", "--topic", name, "--partitions", partitions, "--replication-factor", replication,
           *given)
