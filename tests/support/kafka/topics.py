"""Makes topics, and whatever else Kafka's own kafka-topics can."""

import subprocess

from . import jars

DEADLINE = 120  # Seconds. It is a Java of its own: 2 s on an idle machine.


def topics(bootstrap, *arguments):
    """Runs kafka-topics with `arguments` (`"--describe"`) and gives back what it printed."""
    return _run("org.apache.kafka.tools.TopicCommand", bootstrap, *arguments)


def configs(bootstrap, *arguments):
    """Runs kafka-configs with `arguments` (`"--alter", …`) and gives back what it printed."""
    return _run("kafka.admin.ConfigCommand", bootstrap, *arguments)


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
