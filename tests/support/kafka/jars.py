#!/usr/bin/python3
"""Apache Kafka's jars, as pom.xml names them, or another pom's: fetched once, kept outside the repository.

As a program: fetches what is missing and prints the folder.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

POM = pathlib.Path(__file__).resolve().with_name("pom.xml")
FETCH_DEADLINE = 900  # Seconds.


class NoBroker(Exception):
    """No broker can be had here. The text says why, and what to do."""


def folder(pom=POM):
    """Where the jars of `pom` are. The cache has one folder for each version of Kafka and nothing half done."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    project = xml.etree.ElementTree.parse(pom)
    version = project.findtext("{*}properties/{*}kafka.version")
    return cache / "keyledger" / f"{project.findtext('{*}artifactId')}-{version}"


def fetched(pom=POM):
    """`folder(pom)`, after fetching them if they aren't there. Any number of processes may ask at once.

    Raises NoBroker.
    """
    target = folder(pom)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{target}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _fetch(pom, target)
    return target


def command(main_class, *arguments, options=()):
    """What runs `main_class` of the jars in a Java of its own, with its log's warnings on standard error."""
    return ["java", *options, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            "-cp", f"{fetched()}/*", main_class, *map(str, arguments)]


def _fetch(pom, target):
    if shutil.which("mvn") is None:
        raise NoBroker("fetching Kafka's jars takes Maven; run scripts/setup")
    print(f"fetching {target.name} into {target}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as temporary:
        new = pathlib.Path(temporary, "jars")
        try:
            done = subprocess.run(
                ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={new}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                timeout=FETCH_DEADLINE)
        except subprocess.TimeoutExpired as late:
            raise NoBroker(f"Maven had not fetched Kafka's jars after {FETCH_DEADLINE} s") from late
        if done.returncode != 0 or not any(new.glob("*.jar")):
            raise NoBroker(f"Maven could not fetch Kafka's jars ({pom}), and ended with {done.returncode}:\n"
                           f"{done.stdout}")
        new.rename(target)


if __name__ == "__main__":
    try:
        print(fetched())
    except NoBroker as why:
        sys.exit(f"{sys.argv[0]}: {why}")
