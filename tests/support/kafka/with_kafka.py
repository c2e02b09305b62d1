#!/usr/bin/python3
"""Runs a command with a Kafka broker at hand: KEYLEDGER_TEST_KAFKA is its bootstrap (host:port, …).

usage: with_kafka.py [--brokers 1|3] COMMAND…

Where that variable is set already, its broker is used; else brokers start for the command and end with it. Exits as the
command does, or with 1 where no broker can be had.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
from kafka import Cluster, NoBroker, children, kcat  # noqa: E402

VARIABLE = "KEYLEDGER_TEST_KAFKA"
FOREIGN_DEADLINE = 10  # Seconds that a broker which is there already may take to answer.
GRACE = 10  # Seconds that the command has to end when this program is told to.


def main():
    parser = argparse.ArgumentParser(usage="with_kafka.py [--brokers 1|3] COMMAND…")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("which command?")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if bootstrap := os.environ.get(VARIABLE):
        known = kcat.metadata(bootstrap, FOREIGN_DEADLINE)
        if known is None:
            raise NoBroker(f"no broker answers at {VARIABLE}={bootstrap}")
        if len(known["brokers"]) < arguments.brokers:
            raise NoBroker(f"{arguments.brokers} brokers are needed, {VARIABLE}={bootstrap} has {len(known['brokers'])}")
        return run(arguments.command, bootstrap)
    with Cluster(arguments.brokers) as cluster:
        return run(arguments.command, cluster.bootstrap)


def run(command, bootstrap):
    """Runs `command` to its end and gives back its code, in the shell's way where a signal ended it."""
    child = children.start(command, env={**os.environ, VARIABLE: bootstrap})
    try:
        code = child.wait()
        return code if code >= 0 else 128 - code
    except BaseException:
        child.terminate()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            children.end(child)
        raise


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NoBroker as why:
        sys.exit(f"with_kafka.py: {why}")
