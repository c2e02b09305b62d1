"""TLS on every listener: what is spoken, who is refused, and new certificates while connections go on."""

import http.client
import shutil
import signal
import socket
import ssl
import unittest
import warnings

from certificates import make_certificate
from node import ADA, DEADLINE, Answer, Node, NodeTest, basic, eventually, run
from test_sessions import path_of


class TlsTest(NodeTest):
    FLAGS = ("--verify-listen", "127.0.0.1:0")

    def setUp(self):
        super().setUp()
        self.key = self.node.create(self.token)["value"]
        self.node.stop()
        self.certificate, self.private = make_certificate(self.work)
        self.node.flags += ["--tls-cert", str(self.certificate), "--tls-key", str(self.private)]
        self.node.start()

    def context(self, certificate=None):
        return ssl.create_default_context(cafile=certificate or self.certificate)

    def connection(self, port=None, context=None):
        connection = http.client.HTTPSConnection("localhost", port or self.node.port, timeout=DEADLINE,
                                                 context=context or self.context())
        self.addCleanup(connection.close)
        connection.connect()
        return connection

    @staticmethod
    def ask(connection, method, path, body=None, **headers):
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())

    def subject(self, connection):
        return dict(pair[0] for pair in connection.sock.getpeercert()["subject"])["commonName"]


class Spoken(TlsTest):
    def test_every_listener_speaks_it_and_requests_are_answered_as_ever(self):
        for port in (self.node.port, self.node.verify_port):
            connection = self.connection(port)
            for _ in range(3):  # On the same connection.
                answer = self.ask(connection, "GET", "/v1/forward-auth", Authorization=basic(ADA, self.key))
                self.assertEqual(answer.status, 200)
        connection = self.connection()
        bearer = f"Bearer {self.token}"
        keys = "/v1/accounts/acme/keys"
        for number in range(300):
            body = f'{{"name": "key {number}", "description": "{"x" * 2000}"}}'
            made = self.ask(connection, "POST", keys, body, Authorization=bearer, Content_Type="application/json")
            self.assertEqual(made.status, 201)
        large = self.ask(connection, "GET", f"{keys}?limit=1000", Authorization=bearer)
        self.assertEqual(len(large.json["keys"]), 301)
        self.assertGreater(len(large.body), 600_000)

    def test_what_is_not_tls_or_older_than_1_2_is_refused(self):
        for port in (self.node.port, self.node.verify_port):
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as plain:
                plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertNotIn(b"HTTP/1.1", plain.recv(4096))
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = self.context()
                context.minimum_version = context.maximum_version = version
                self.assertEqual(self.connection(port, context).sock.version(), version.name.replace("_", "."))
            old = self.context()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                old.set_ciphers("ALL:@SECLEVEL=0")
                old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            with self.assertRaises(ssl.SSLError):
                self.connection(port, old)
            weak = self.context()
            weak.maximum_version = ssl.TLSVersion.TLSv1_2
            weak.set_ciphers("AES128-SHA:AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA")
            with self.assertRaises(ssl.SSLError):
                self.connection(port, weak)

    def test_a_large_body_a_refused_one_and_the_last_answer_arrive_whole(self):
        connection = self.connection()
        batch = '{"keys": [' + ",".join(f'{{"key": "{self.key}"}}' for _ in range(1000)) + "]}"
        answer = self.ask(connection, "POST", "/v1/verify/batch", batch, Content_Type="application/json")
        self.assertEqual({one["code"] for one in answer.json["results"]}, {"VALID"})
        refused = self.ask(self.connection(), "POST", "/v1/verify", "x" * 70_000, Content_Type="application/json")
        self.assertEqual(refused.status, 413)
        last = self.ask(self.connection(), "GET", "/healthz", Connection="close")
        self.assertEqual(last.json, {"alive": True})

    def test_the_change_feed_comes_as_it_happens(self):
        bearer = f"Bearer {self.token}"
        feed = self.connection()
        feed.request("GET", "/v1/events?after=0", headers={"Authorization": bearer})
        stream = feed.getresponse()
        self.assertEqual(stream.status, 200)

        def next_event():
            while not (line := stream.readline()).startswith(b"data:"):
                self.assertTrue(line, "the feed has ended")
            return line

        self.assertIn(b"AccountRegistered", next_event())
        self.assertIn(b"KeyCreated", next_event())
        self.ask(self.connection(), "POST", "/v1/accounts/acme/keys", '{"name": "come"}', Authorization=bearer,
                 Content_Type="application/json")
        self.assertIn(b'"come"', next_event())

    def test_who_says_nothing_is_let_go(self):
        self.node.restart("--header-timeout", "500ms")
        with socket.create_connection(("127.0.0.1", self.node.port), timeout=DEADLINE) as silent:
            self.assertEqual(silent.recv(1), b"")

    def test_the_sessions_cookie_is_for_tls_alone_and_the_origin_is_too(self):
        link = self.node.sign_in_link()
        self.assertTrue(link.startswith(f"https://127.0.0.1:{self.node.port}/sign-in?"), link)
        connection = self.connection()
        cookie = self.ask(connection, "GET", path_of(link)).headers["set-cookie"]
        self.assertTrue(cookie.endswith("; SameSite=Strict; Secure"), cookie)
        cookie = cookie.split(";")[0]
        csrf = self.ask(connection, "GET", "/v1/session", Cookie=cookie).json["csrf_token"]
        for origin, status in ((f"http://localhost:{self.node.port}", 403), (f"https://localhost:{self.node.port}", 204)):
            answer = self.ask(connection, "DELETE", "/v1/session", Cookie=cookie, Keyledger_CSRF=csrf, Origin=origin)
            self.assertEqual(answer.status, status, origin)
        self.assertTrue(answer.headers["set-cookie"].endswith("; Secure"))


class Reloaded(TlsTest):
    def reload(self, said):
        before = len(self.node.log)
        self.node.process.send_signal(signal.SIGHUP)
        eventually(lambda: any(said in line for line in self.node.log[before:]), f"it says '{said}'")

    def test_a_new_certificate_is_for_new_connections_and_drops_none(self):
        old = self.connection()
        self.assertEqual(self.subject(old), "localhost")
        new, key = make_certificate(self.work, "new", "renewed", "rsa")
        former = self.work / "former.pem"
        shutil.copyfile(self.certificate, former)
        shutil.copyfile(new, self.certificate)
        shutil.copyfile(key, self.private)
        self.assertEqual(self.subject(self.connection(context=self.context(former))), "localhost")  # Not read yet.
        self.reload("certificate and key were read again")
        for port in (self.node.port, self.node.verify_port):
            self.assertEqual(self.subject(self.connection(port, self.context(new))), "renewed")
        self.assertEqual(self.ask(old, "GET", "/healthz").status, 200)

    def test_files_that_are_no_good_change_nothing(self):
        self.certificate.write_text("no certificate", encoding="utf-8")
        self.reload("stay as they were")
        self.assertTrue(any(str(self.certificate) in line for line in self.node.log))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.assertEqual(self.ask(self.connection(context=context), "GET", "/healthz").status, 200)

    def test_a_certificate_of_another_kind_than_its_key_changes_nothing(self):
        former = self.work / "former.pem"
        shutil.copyfile(self.certificate, former)
        other, _ = make_certificate(self.work, "new", "renewed", "rsa")
        shutil.copyfile(other, self.certificate)  # Its key is to follow: between the two, somebody says SIGHUP.
        self.reload("stay as they were")
        self.assertEqual(self.subject(self.connection(context=self.context(former))), "localhost")


class Refused(NodeTest):
    def test_a_start_without_a_good_pair_says_which_file(self):
        certificate, key = make_certificate(self.work)
        _, other = make_certificate(self.work, "other")
        rsa, _ = make_certificate(self.work, "rsa", "rsa", "rsa")
        broken = self.work / "broken.pem"
        broken.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", encoding="utf-8")
        for one, two, named in ((certificate, other, other), (broken, key, broken), (certificate, broken, broken),
                                (self.work / "none", key, "none"), (certificate, self.work / "none", "none"), (rsa, key, key)):
            _, said = run("serve", "--data-dir", self.work / "other", "--listen", "127.0.0.1:0", "--tls-cert", one,
                          "--tls-key", two, expect=1)
            self.assertIn(str(named), said)
        for flags in (("--tls-cert", certificate), ("--tls-key", key)):
            _, said = run("serve", "--data-dir", self.work / "other", *flags, expect=2)
            self.assertIn("--tls-", said)

    def test_without_tls_a_hangup_ends_nothing(self):
        self.node.process.send_signal(signal.SIGHUP)
        eventually(lambda: any("key ring was read again" in line for line in self.node.log), "it says so")
        self.assertEqual(self.node.get("/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()
