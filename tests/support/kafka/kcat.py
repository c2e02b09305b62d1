"""What kcat, a client of Kafka made by others, says of a cluster; writes and reads records with it."""

import json
import subprocess


def metadata(bootstrap, within=5):
    """What a broker at `bootstrap` knows of its cluster (brokers, topics, controllerid), or None if none answers."""
    try:
        done = subprocess.run(["kcat", "-L", "-J", "-b", bootstrap, "-m", str(within)], capture_output=True,
                              check=False, timeout=within + 5)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout) if done.returncode == 0 else None


def produce(bootstrap, topic, *values, within=60):
    """Writes a record for each text of `values` (none has a line's end in it) and waits until all replicas have them."""
    _run("-P", "-b", bootstrap, "-t", topic, "-X", "acks=all", "-X", f"message.timeout.ms={within * 1000}",
         within=within, stdin="".join(f"{value}\n" for value in values))


def consume(bootstrap, topic, within=60):
    """The values of all committed records of `topic`, as texts."""
    return _run("-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-X",
                "isolation.level=read_committed", within=within).splitlines()


def records(bootstrap, topic, within=60):
    """All committed records of `topic`: key, payload, offset and headers, in which a header's name and value alternate."""
    return [json.loads(line) for line in _run("-C", "-J", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q",
                                              "-X", "isolation.level=read_committed", within=within).splitlines()]


def _run(*arguments, within, stdin=""):
    done = subprocess.run(["kcat", *arguments], input=stdin, capture_output=True, text=True, check=False,
                          timeout=within + 5)
    if done.returncode != 0:
        raise RuntimeError(f"kcat {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return done.stdout
