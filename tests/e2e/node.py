"""Runs the real keyledger, and asks it over real sockets. For the tests under tests/e2e and tests/fault.

    with Node(data_dir) as node:
        answer = node.post("/v1/accounts/acme/keys", {"name": "Zapier"}, token=node.token("acme"))

Each answer is held against schemas/openapi.yaml as it comes (see tests/schemas/openapi_check.py), so that every
test here is one of the contract too. The program is the one that KEYLEDGER names, or the dev build's.
"""

import base64
import concurrent.futures
import copy
import http.client
import itertools
import json
import os
import pathlib
import queue
import re
import signal
import socket
import string
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "schemas"))
import openapi_check  # noqa: E402  pylint: disable=wrong-import-position

KEYLEDGER = os.environ.get("KEYLEDGER", str(ROOT / "build" / "dev" / "keyledger"))
DEADLINE = 60  # Seconds that anything may take on a busy machine.
ADA = "ada@example.com"
ALL_SCOPES = ("keys:read keys:write keys:reveal audit:read events:read accounts:write keys:verify "
              "accounts:any")
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Answer:
    """What came back: `status`, `headers` (by lower-case name), `body` (bytes) and `json` where it is JSON."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        media_type = self.headers.get("content-type", "").split(";")[0]
        self.json = json.loads(body) if body and media_type.endswith("json") and "ndjson" not in media_type else None

    @property
    def position(self):
        return int(self.headers["keyledger-position"])

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


def run(*arguments, expect=0, **kwargs):
    """Runs a command of keyledger to its end and gives back what it printed, and what it said of errors."""
    done = subprocess.run([KEYLEDGER, *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=DEADLINE, **kwargs)
    assert done.returncode == expect, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout, done.stderr


def basic(username, key):
    return "Basic " + base64.b64encode(f"{username}:{key}".encode()).decode()


def with_checksum(text):
    """`text` with the six characters of its CRC-32 behind it, as the design has it."""
    checksum = zlib.crc32(text.encode())
    return text + "".join(_DIGITS[checksum // 62**place % 62] for place in range(5, -1, -1))


def read_answer(connection, method="GET"):
    """The next answer that comes on `connection`, a socket on which a request by `method` was sent."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Answer(response.status, response.getheaders(), response.read())


def eventually(condition, what):
    """What `condition` gives as soon as that is true. Fails with `what` when it takes too long."""
    deadline = time.monotonic() + DEADLINE
    while not (result := condition()):
        assert time.monotonic() < deadline, f"in vain: {what}"
        threading.Event().wait(0.005)
    return result


def at_once(*work):
    """Calls each of `work` on a thread of its own, all at the same time, and gives back what they gave back."""
    gate = threading.Barrier(len(work), timeout=DEADLINE)

    def start(one):
        gate.wait()
        return one()

    with concurrent.futures.ThreadPoolExecutor(len(work)) as threads:
        return [future.result(DEADLINE) for future in [threads.submit(start, one) for one in work]]


class Node:
    """`keyledger serve` on a free port of 127.0.0.1, with `flags`. Ends with the context, by SIGTERM."""

    def __init__(self, data_dir, *flags, env=None, connection_checks=True, program=KEYLEDGER, tls=None):
        self.data_dir = pathlib.Path(data_dir)
        self.flags = [str(flag) for flag in flags]
        self.env = {**os.environ, **(env or {})}
        self.checks = connection_checks
        self.program = str(program)
        self.tls = tls  # An ssl.SSLContext by which it is asked, where its flags have it speak TLS.
        self.process = None
        self.host = None
        self.port = None
        self.verify_port = None
        self.listeners = 1 + self.flags.count("--verify-listen")
        self.log = []  # The lines on its standard error.
        self._connection = None
        self._readers = []
        self._said = None  # Its lines until it listens,
        self._later = None  # and those after.

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process is not None:
            self.stop(expect=None if kind else 0)

    def start(self):
        self.launch()
        return self.wait_until_listening()

    def launch(self):
        """Starts the program and does not wait for it."""
        listen = [] if "--listen" in self.flags else ["--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [self.program, "serve", "--data-dir", str(self.data_dir), *listen, *self.flags], env=self.env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1)
        self._said = queue.Queue()
        self._readers = [threading.Thread(target=self._read, args=(self.process.stdout, self._said.put), daemon=True),
                         threading.Thread(target=self._read, args=(self.process.stderr, self.log.append), daemon=True)]
        for reader in self._readers:
            reader.start()

    def wait_until_listening(self):
        if self._said is None:
            return self  # It was waited for before.
        wanted = self.listeners
        while wanted:
            line = self._said.get(timeout=DEADLINE)
            if line is None:
                self._readers[1].join()
                raise AssertionError(f"it ended with {self.process.wait()}: " + "".join(self.log[-5:]))
            found = re.fullmatch(r"Listening (on|for validation on) https?://(.*):(\d+)\n", line)
            assert found, f"an unknown line on standard output: {line}"
            if found[1] == "on":
                self.host, self.port = found[2], int(found[3])
            else:
                self.verify_port = int(found[3])
            wanted -= 1
        self._later, self._said = self._said, None
        return self

    def sign_in_link(self):
        """The one-time link that it prints once it listens."""
        line = self._later.get(timeout=DEADLINE)
        found = re.fullmatch(r"Sign in: (https?://\S+)\n", line or "")
        assert found, f"an unknown line on standard output: {line}"
        return found[1]

    @staticmethod
    def _read(stream, take):
        for line in stream:
            take(line)
        if take.__name__ == "put":
            take(None)

    def stop(self, expect=0, how=signal.SIGTERM):
        """Ends it and waits for it. Fails unless it exits with `expect` (None: whatever)."""
        self.close()
        self.process.send_signal(how)
        status = self.process.wait(timeout=DEADLINE)
        for reader in self._readers:
            reader.join(DEADLINE)
        self.process.stdout.close()
        self.process.stderr.close()
        self.process = None
        assert expect is None or status == expect, f"it ended with {status}: " + "".join(self.log[-5:])

    def kill(self):
        self.stop(expect=-signal.SIGKILL, how=signal.SIGKILL)

    def restart(self, *flags):
        self.stop()
        self.flags += [str(flag) for flag in flags]
        return self.start()

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def token(self, account="acme", username=ADA, scope=None, ttl=None, subject=None):
        ring = self.flags[self.flags.index("--key-ring") + 1] if "--key-ring" in self.flags else None
        arguments = ["--key-ring", ring] if ring else ["--data-dir", self.data_dir]
        for flag, value in (("--account", account), ("--username", username), ("--scope", scope), ("--ttl", ttl),
                            ("--subject", subject)):
            if value is not None:
                arguments += [flag, value]
        return run("token", *arguments)[0].strip()

    def request(self, method, path, body=None, token=None, headers=None, check=True, fresh=False, port=None):
        """Sends one request, on the connection of the one before where there is one, and gives back its Answer.

        A `body` that is neither bytes nor text is sent as JSON. `check=False` spares the contract: for what no
        contract describes, such as what HTTP itself refuses.
        """
        headers = dict(headers or {})
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        if fresh or port is not None:
            connection = self._http(port or self.port)
        else:
            self._connection = self._connection or self._http(self.port)
            connection = self._connection
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        except Exception:
            self.close()
            raise
        finally:
            if connection is not self._connection:
                connection.close()
        if check and self.checks:
            openapi_check.check_response(method, path, answer.status, answer.headers, answer.body)
        return answer

    def _http(self, port):
        if self.tls is None:
            return http.client.HTTPConnection(self.host, port, timeout=DEADLINE)
        return http.client.HTTPSConnection(self.host, port, timeout=DEADLINE, context=self.tls)

    def client(self, checks=True):
        """The same node, asked on a connection of its own: for another thread. To be closed."""
        other = copy.copy(self)
        other.checks = checks
        other._connection = None
        return other

    def connect(self):
        """A connection without any HTTP on it yet: for what no HTTP library sends."""
        return socket.create_connection((self.host, self.port), timeout=DEADLINE)

    def send(self, data, method="GET", path="/healthz"):
        """Sends bytes, whatever they are, and gives back the Answer, held against the contract of `path`."""
        with self.connect() as connection:
            connection.sendall(data)
            answer = read_answer(connection, method)
        openapi_check.check_response(method, path, answer.status, answer.headers, answer.body)
        return answer

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def put(self, path, body=None, **kwargs):
        return self.request("PUT", path, body, **kwargs)

    def patch(self, path, body=None, headers=None, **kwargs):
        return self.request("PATCH", path, body, headers={"Content-Type": "application/merge-patch+json",
                                                          **(headers or {})}, **kwargs)

    def delete(self, path, **kwargs):
        return self.request("DELETE", path, **kwargs)

    def create(self, token, account="acme", **members):
        """A new key, as its creation shows it."""
        answer = self.post(f"/v1/accounts/{account}/keys", {"name": "a key", **members}, token=token)
        assert answer.status == 201, answer
        return answer.json

    def verify(self, key, username=None, query="", **kwargs):
        body = {"key": key} if username is None else {"key": key, "username": username}
        answer = self.post("/v1/verify" + query, body, **kwargs)
        assert answer.status == 200, answer
        return answer.json

    def sign_in(self, username, key, **kwargs):
        """The status with which a program is let in or not."""
        return self.get("/v1/forward-auth", headers={"Authorization": basic(username, key)}, **kwargs).status


class SharedNodeTest(unittest.TestCase):
    """Tests that share one node, each with an account and a token of its own."""

    FLAGS = ()

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="keyledger-test-")
        cls.addClassCleanup(directory.cleanup)
        cls.work = pathlib.Path(directory.name)
        cls.node = Node(cls.work / "data", *cls.FLAGS).start()
        cls.addClassCleanup(cls.node.stop)
        cls.numbers = itertools.count(1)

    def setUp(self):
        self.account = f"account-{next(self.numbers)}"
        self.keys = f"/v1/accounts/{self.account}/keys"
        self.token = self.node.token(self.account)

    def create(self, **members):
        return self.node.create(self.token, self.account, **members)

    def events(self, **parameters):
        """The account's trail, oldest first."""
        query = urllib.parse.urlencode({"limit": 1000, **parameters}, quote_via=urllib.parse.quote)
        answer = self.node.get(f"/v1/accounts/{self.account}/events?{query}", token=self.token)
        assert answer.status == 200, answer
        return answer.json["events"]


class NodeTest(unittest.TestCase):
    """A test with a data directory of its own, and a node on it that `FLAGS` start."""

    FLAGS = ()

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="keyledger-test-")
        self.addCleanup(directory.cleanup)
        self.work = pathlib.Path(directory.name)
        self.node = Node(self.work / "data", *self.FLAGS).start()
        self.addCleanup(self._stop)
        self.token = self.node.token()

    def _stop(self):
        if self.node.process is not None:
            self.node.stop()
