"""Asks the processes of a cluster how they are."""

import http.client
import json
import pathlib
import socket

WITHIN = 2  # Seconds that an answer may take.


def get(address, path):
    """Status and text, or (None, "") where nobody answers."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=WITHIN)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None, ""
    finally:
        connection.close()


def readiness(address):
    """What /readyz of a node says, or None where it doesn't answer."""
    status, text = get(address, "/readyz")
    return json.loads(text) if status in (200, 503) else None


def leads(address):
    return "\nkeyledger_writer_leads 1\n" in get(address, "/metrics")[1]


def listens(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), WITHIN).close()
    except OSError:
        return False
    return True


def state_of(pid):
    """A process's state in the kernel's letters: T was paused, Z has ended; None: it is gone."""
    try:
        stat = pathlib.Path("/proc", str(pid), "stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat.rpartition(")")[2].split()[0]


def has_ended(pid):
    return state_of(pid) in (None, "Z")
