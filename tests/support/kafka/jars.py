#!/usr/bin/python3
"""Apache Kafka's jars, as pom.xml names them, or another pom's: fetched once, kept outside the repository.

As a program: fetches what is missing and prints the folder.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

# Also where this is a program.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import cache  # noqa: E402  # pylint: disable=wrong-import-position

POM = pathlib.Path(__file__).resolve().with_name("pom.xml")
FETCH_DEADLINE = 900  # Seconds.


class NoBroker(Exception):
    """No broker can be had here. The text says why, and what to do."""


def folder(pom=POM):
    """Where the jars of `pom` are. The cache has one folder for each version of Kafka and nothing half done."""
    project = xml.etree.ElementTree.parse(pom)
    version = project.findtext("{*}properties/{*}kafka.version")
    return cache.place(f"{project.findtext('{*}artifactId')}-{version}")


def fetched(pom=POM):
    """`folder(pom)`, after fetching them if they aren't there. Any number of processes may ask at once.

    Raises NoBroker.
    """
    target = folder(pom)
    if target.is_dir():
        return target
    with cache.locked(target):
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
