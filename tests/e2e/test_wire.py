"""What comes over the wire and isn't what an HTTP library would send: ill-formed, too large, or too slow."""

import unittest

from node import NodeTest, SharedNodeTest, read_answer

VERIFY = b"POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
HELLO = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


class Framing(SharedNodeTest):
    def assert_status(self, status, data, method="GET", path="/healthz"):
        with self.subTest(data[:80]):
            answer = self.node.send(data, method, path)
            self.assertEqual(answer.status, status, answer)
            return answer

    def test_what_is_not_http_is_400_and_the_connection_ends(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"hello\r\n\r\n", b"GET\r\n\r\n",
                     b"GET /healthz\r\n\r\n", b"GET /healthz HTTP/9\r\n\r\n",
                     b"GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: a\r\nSpace : b\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n",
                     b"GET healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"GET /healthz#top HTTP/1.1\r\nHost: a\r\n\r\n"):
            answer = self.assert_status(400, data)
            self.assertEqual(answer.headers.get("connection"), "close", data)

    def test_what_two_servers_could_read_in_two_ways_is_400(self):
        body = b'\r\n{"key":"a"}'
        for fields in (b"Content-Length: 11\r\nContent-Length: 11\r\n", b"Content-Length: 11\r\nContent-Length: 5\r\n",
                       b"Content-Length: 11, 11\r\n", b"Content-Length: +11\r\n", b"Content-Length: 0x0b\r\n",
                       b"Content-Length: 11\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
                       b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                       b"Transfer-Encoding: identity\r\n",
                       b"Host: b\r\nContent-Length: 11\r\n"):
            self.assert_status(400, VERIFY + fields + body, "POST", "/v1/verify")
        self.assert_status(400, b"GET /healthz HTTP/1.1\r\n\r\n")

    def test_http_1_0_and_the_absolute_form_are_read(self):
        answer = self.assert_status(200, b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertEqual(answer.headers.get("connection"), "close")
        self.assert_status(200, b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n")

    def test_requests_that_are_sent_ahead_are_answered_in_order(self):
        with self.node.connect() as connection:
            connection.sendall(b"".join(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: n%d\r\n\r\n" % i
                                        for i in range(100)))
            stream = connection.makefile("rb")
            ids = []
            while len(ids) < 100:
                line = stream.readline()
                self.assertTrue(line, f"it ended after {len(ids)} answers")
                if line.lower().startswith(b"x-request-id:"):
                    ids.append(line.split()[1].decode())
            self.assertEqual(ids, [f"n{i}" for i in range(100)])

    def test_a_request_that_comes_byte_by_byte_is_read(self):
        with self.node.connect() as connection:
            for byte in VERIFY + b'Content-Length: 11\r\n\r\n{"key":"a"}':
                connection.sendall(bytes([byte]))
            self.assertEqual(read_answer(connection, "POST").json["code"], "MALFORMED")

    def test_a_header_over_16_kib_is_431(self):
        for line in (b"X: " + b"a" * 17_000, b"\r\n".join(b"X-%d: %s" % (i, b"a" * 90) for i in range(200)),
                     b"X" * 17_000 + b": a"):
            self.assert_status(431, b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n")
        self.assert_status(431, b"GET /healthz?" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assert_status(200, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 16_000 + b"\r\n\r\n")

    def test_an_expectation_other_than_to_go_on_is_417(self):
        self.assert_status(417, VERIFY + b"Expect: foo\r\nContent-Length: 11\r\n\r\n", "POST", "/v1/verify")

    def test_who_asks_whether_to_go_on_is_told_so_before_the_body_is_sent(self):
        with self.node.connect() as connection:
            connection.sendall(VERIFY + b"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n")
            interim = b"HTTP/1.1 100 Continue\r\n\r\n"
            stream = connection.makefile("rb")
            self.assertEqual(stream.read(len(interim)), interim)
            connection.sendall(b'{"key":"a"}')
            self.assertTrue(stream.readline().startswith(b"HTTP/1.1 200 "))

    def test_a_body_that_is_too_large_is_refused_instead_of_asked_for(self):
        self.assert_status(413, VERIFY + b"Expect: 100-continue\r\nContent-Length: 99999\r\n\r\n", "POST", "/v1/verify")

    def test_a_connection_is_kept_over_answers_of_every_kind(self):
        for path, status in (("/healthz", 200), ("/nowhere", 404), (self.keys, 401), (self.keys, 200)):
            token = self.token if status == 200 else None
            answer = self.node.get(path, token=token)
            self.assertEqual((answer.status, answer.headers.get("connection")), (status, None))


class Slowness(NodeTest):
    FLAGS = ("--header-timeout", "300ms", "--body-timeout", "300ms", "--idle-timeout", "300ms")

    def finish(self, data):
        """What comes back when nothing more is sent; None if the connection just ends."""
        with self.node.connect() as connection:
            connection.sendall(data)
            first = connection.recv(1)
            if not first:
                return None
            rest = connection.makefile("rb").read()
        status_line = (first + rest).split(b"\r\n", 1)[0]
        self.assertIn(b"urn:keyledger:problem:request-timeout", rest)
        return int(status_line.split()[1])

    def test_a_header_or_body_that_does_not_arrive_is_408(self):
        for data in (b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"GET /healthz HTTP/1.1\r\n",
                     VERIFY + b"Content-Length: 11\r\n\r\n", VERIFY + b'Content-Length: 11\r\n\r\n{"key":',
                     VERIFY + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}"):
            with self.subTest(data):
                self.assertEqual(self.finish(data), 408)

    def test_a_connection_on_which_nothing_is_asked_just_ends(self):
        self.assertIsNone(self.finish(b""))
        with self.node.connect() as connection:
            connection.sendall(HELLO)
            self.assertEqual(read_answer(connection).status, 200)
            self.assertEqual(connection.recv(1), b"")


class TooMany(NodeTest):
    FLAGS = ("--max-connections", "3", "--threads", "1")

    def test_connections_over_the_bound_are_closed_and_the_others_served(self):
        connections = [self.node.connect() for _ in range(3)]
        for connection in connections:
            self.addCleanup(connection.close)
            connection.sendall(HELLO)
            self.assertEqual(read_answer(connection).status, 200)
        with self.node.connect() as one_more:
            self.assertEqual(one_more.recv(1), b"")
        connections[0].sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertIn(b"\nkeyledger_http_connections_refused_total 1\n", read_answer(connections[0]).body)


if __name__ == "__main__":
    unittest.main()
