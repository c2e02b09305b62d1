"""The example for nginx as it stands, in a real nginx, between clients and an application that tells what it got."""

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import nginx
from node import ADA, DEADLINE, Node, basic
from ports import ReservedPort

KEYS = "/v1/accounts/acme/keys"
ABOUT_THE_CALLER = {"x-keyledger-account", "x-keyledger-username", "x-keyledger-key-id", "x-keyledger-key-name"}


class Application(http.server.ThreadingHTTPServer):
    """Answers with what it was sent, and 500 below /broken. `seen` has the path of every request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            self.server.seen.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = json.dumps({"method": self.command, "path": self.path, "headers": self.headers.items(),
                               "body_bytes": len(body), "body_sha256": hashlib.sha256(body).hexdigest()}).encode()
            self.send_response(500 if self.path.startswith("/broken") else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.seen = []


class Nginx:
    """The real one, with the example's three addresses replaced, under a directory of its own."""

    def __init__(self, work, client_side, keyledger, application):
        self._command = nginx.configure(work, client_side, [keyledger], application)
        self._errors = work / "nginx.errors"
        self._process = None

    def check(self):
        """What `nginx -t` says, and its exit code."""
        done = subprocess.run([*self._command, "-t"], capture_output=True, text=True, check=False, timeout=DEADLINE)
        return done.returncode, done.stderr

    def start(self, port):
        with open(self._errors, "wb") as errors:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=DEADLINE):
                return
            assert self._process.poll() is None, f"nginx ended: {self._errors.read_text()}"
            assert time.monotonic() < deadline, "nginx doesn't listen"
            time.sleep(0.005)

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(DEADLINE)


class BehindNginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyledger-nginx-")))
            client_side, keyledger = (stack.enter_context(contextlib.closing(ReservedPort())) for _ in range(2))
            cls.port = client_side.number
            cls.application = stack.enter_context(Application())
            stack.callback(cls.application.shutdown)
            threading.Thread(target=cls.application.serve_forever, args=(0.02,), daemon=True).start()
            cls.node = stack.enter_context(Node(cls.work / "data", "--listen", keyledger.address))
            cls.token = cls.node.token()
            cls.nginx = Nginx(cls.work, client_side.address, keyledger.address,
                              f"127.0.0.1:{cls.application.server_port}")
            cls.nginx.start(cls.port)
            stack.callback(cls.nginx.stop)
            cls.addClassCleanup(stack.pop_all().close)

    def setUp(self):
        self.key = self.node.create(self.token, name="Büro & Söhne")
        self.credential = ("Authorization", basic(ADA, self.key["value"]))
        self.application.seen.clear()

    def ask(self, path="/", *headers, method="GET", body=b"", in_chunks=False):
        """Through nginx, with `headers` as they stand: doubled ones too. Gives back status, headers and JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.putrequest(method, path)
            for name, value in headers:
                connection.putheader(name, value)
            if in_chunks:
                connection.putheader("Transfer-Encoding", "chunked")
                body = [body]
            elif body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None, encode_chunked=in_chunks)
            response = connection.getresponse()
            content = response.read()
            told = json.loads(content) if response.headers.get_content_type() == "application/json" else None
            return response.status, response.headers, told

    def told(self, *headers):
        """The headers that the application got, as pairs with lower-case names, `_` read as `-`."""
        status, _, told = self.ask("/", *headers)
        self.assertEqual(status, 200)
        return [(name.lower().replace("_", "-"), value) for name, value in told["headers"]]

    def assert_about_the_key_alone(self, told):
        about = {name: value for name, value in told if name.startswith("x-keyledger")}
        self.assertEqual(about, {"x-keyledger-account": "acme", "x-keyledger-username": ADA,
                                 "x-keyledger-key-id": self.key["id"],
                                 "x-keyledger-key-name": "B%C3%BCro%20%26%20S%C3%B6hne"})
        names = [name for name, _ in told]
        self.assertEqual([name for name in names if name.startswith("x-keyledger")],
                         [name for name in dict.fromkeys(names) if name in ABOUT_THE_CALLER])
        self.assertNotIn("authorization", names)
        self.assertNotIn("x-api-key", names)
        self.assertNotIn(self.key["value"], repr(told))

    def assert_refused(self, *headers):
        status, answered, _ = self.ask("/", *headers)
        self.assertEqual(status, 401)
        self.assertEqual(answered["WWW-Authenticate"], 'Basic realm="keyledger", charset="UTF-8"')
        self.assertEqual(self.application.seen, [])

    def test_nginx_accepts_the_example(self):
        status, said = self.nginx.check()
        self.assertEqual(status, 0, said)
        self.assertNotIn("[warn]", said)

    def test_a_good_credential_of_any_kind_reaches_the_application_as_a_name_only(self):
        value = self.key["value"]
        for header in (self.credential, ("Authorization", basic(value, "")), ("Authorization", f"Bearer {value}"),
                       ("X-API-Key", value)):
            with self.subTest(header=header):
                self.assert_about_the_key_alone(self.told(header))

    def test_what_a_client_claims_to_be_never_reaches_the_application(self):
        for name in sorted(ABOUT_THE_CALLER):
            for spelt in (name, name.upper(), name.title(), name.replace("-", "_"), name.upper().replace("-", "_"),
                          name.replace("-", "_", 1)):
                with self.subTest(spelt=spelt):
                    told = self.told((spelt, "mallory"), self.credential, (spelt, "mallory"), (spelt, ""))
                    self.assert_about_the_key_alone(told)

    def test_a_bad_credential_is_refused_and_the_application_hears_nothing(self):
        value = self.key["value"]
        other = value[:-1] + ("a" if value[-1] != "a" else "b")
        for headers in ((), (("Authorization", basic("eve@example.com", value)),),
                        (("Authorization", basic(ADA, other)),), (("Authorization", f"Bearer {other}"),),
                        (("X-API-Key", ""),), (("Authorization", "Basic ???"),), (("Authorization", self.token),),
                        (self.credential, ("X-API-Key", value)), (("X-Keyledger-Account", "acme"),)):
            with self.subTest(headers=headers):
                self.assert_refused(*headers)

    def test_two_credentials_are_never_let_in_by_one_of_them_being_good(self):
        bad = basic(ADA, "kl_wrong")
        for headers in ((self.credential, ("Authorization", bad)), (("Authorization", bad), self.credential)):
            status, _, _ = self.ask("/", *headers)
            self.assertIn(status, (400, 401))
        self.assertEqual(self.application.seen, [])

    def test_a_key_is_refused_by_the_very_next_request_after_it_is_disabled_or_deleted(self):
        path = f"{KEYS}/{self.key['id']}"
        self.told(self.credential)
        self.assertEqual(self.node.patch(path, {"enabled": False}, token=self.token).status, 200)
        self.application.seen.clear()
        self.assert_refused(self.credential)
        self.assertEqual(self.node.patch(path, {"enabled": True}, token=self.token).status, 200)
        self.told(self.credential)
        self.assertEqual(self.node.delete(path, token=self.token).status, 204)
        self.application.seen.clear()
        self.assert_refused(self.credential)

    def test_without_keyledger_nobody_is_let_in_and_told_to_come_again(self):
        self.node.stop()
        try:
            for headers in ((self.credential,), ()):
                status, answered, _ = self.ask("/", *headers)
                self.assertEqual((status, answered["Retry-After"]), (503, "1"))
            self.assertEqual(self.application.seen, [])
        finally:
            self.node.start()
        self.assert_about_the_key_alone(self.told(self.credential))

    def test_a_body_reaches_the_application_whole(self):
        for method, size, in_chunks in (("POST", 1, False), ("PUT", 5000, False), ("POST", 1_000_000, False),
                                        ("POST", 10, True), ("POST", 1_000_000, True)):
            with self.subTest(method=method, size=size, in_chunks=in_chunks):
                body = os.urandom(size)
                status, _, told = self.ask("/upload", self.credential, method=method, body=body, in_chunks=in_chunks)
                self.assertEqual((status, told["method"], told["path"]), (200, method, "/upload"))
                self.assertEqual((told["body_bytes"], told["body_sha256"]), (size, hashlib.sha256(body).hexdigest()))

    def test_a_body_doesnt_keep_a_bad_credential_waiting_or_let_it_in(self):
        for in_chunks in (False, True):
            status, _, _ = self.ask("/upload", ("X-API-Key", "kl_wrong"), method="POST", body=b"x" * 100_000,
                                    in_chunks=in_chunks)
            self.assertEqual(status, 401)
        self.assertEqual(self.application.seen, [])

    def test_nobody_outside_reaches_what_asks_keyledger(self):
        for path in ("/_keyledger", "/%5fkeyledger", "/x/../_keyledger", "//_keyledger"):
            with self.subTest(path=path):
                for headers in ((self.credential,), ()):
                    status, answered, _ = self.ask(path, *headers)
                    self.assertEqual(status, 404)
                    self.assertEqual([name for name in answered if name.lower().startswith("x-keyledger")], [])
        self.assertEqual(self.application.seen, [])
        # This one is a path of the application like any other.
        status, answered, told = self.ask("/v1/forward-auth", self.credential)
        self.assertEqual((status, told["path"]), (200, "/v1/forward-auth"))
        self.assertEqual([name for name in answered if name.lower().startswith("x-keyledger")], [])
        self.application.seen.clear()
        self.assertEqual(self.ask("/v1/forward-auth")[0], 401)
        self.assertEqual(self.application.seen, [])

    def test_the_applications_own_500_stays_one(self):
        status, answered, told = self.ask("/broken", self.credential)
        self.assertEqual((status, told["path"]), (500, "/broken"))
        self.assertIsNone(answered["Retry-After"])

    def test_a_credential_that_is_too_long_is_a_bad_request(self):
        # Within nginx's limit for one header (8 KiB), and above that of a credential.
        status, _, _ = self.ask("/", ("Authorization", "Bearer " + "k" * 7000))
        self.assertIn(status, (400, 401))
        self.assertEqual(self.application.seen, [])


if __name__ == "__main__":
    unittest.main()
