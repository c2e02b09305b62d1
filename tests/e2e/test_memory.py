"""Memory stays flat: over a million validations, and over ten thousand connections. No timing; what counts is
resident memory after the first tenth, when every cache and pool has its size, and after the last."""

import http.client
import json
import pathlib
import re
import unittest

from node import ADA, NodeTest, basic, with_checksum

MAY_GROW = 8 << 20  # Bytes: what an allocator keeps here and there. A hundred bytes a validation would be 90 MB.


class Memory(NodeTest):
    FLAGS = ("--log-level", "warn", "--cache-size", "32MB")

    def setUp(self):
        super().setUp()
        if self.memory("VmSize") > 1 << 40:
            self.skipTest("a sanitizer keeps what is freed")

    def memory(self, field):
        status = pathlib.Path(f"/proc/{self.node.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)[1]) << 10

    def assert_stays_flat(self, tenth):
        """Does `tenth(i)` ten times."""
        tenth(0)
        after_first = self.memory("VmRSS")
        for i in range(1, 10):
            tenth(i)
        grown = self.memory("VmRSS") - after_first
        self.assertLess(grown, MAY_GROW, f"it has grown by {grown >> 10} KiB from {after_first >> 10}")

    def batch_request(self, keys):
        body = json.dumps({"keys": [{"key": key} for key in keys]}).encode()
        return (f"POST /v1/verify/batch HTTP/1.1\r\nHost: {self.node.host}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def ask(self, connection, request):
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
        self.assertEqual(response.status, 200, body[:200])
        return body

    def test_over_a_million_validations(self):
        keys = [self.node.create(self.token)["value"] for _ in range(100)]
        strangers = [with_checksum("kl_" + f"{i:043}") for i in range(900)]  # Well formed, and nobody was given them.
        batch = self.batch_request(keys + strangers)
        single = (f"GET /v1/forward-auth HTTP/1.1\r\nHost: {self.node.host}\r\n"
                  f"Authorization: {basic(ADA, keys[0])}\r\n\r\n").encode()

        def tenth(_):
            with self.node.connect() as connection:
                for _ in range(100):
                    answer = self.ask(connection, batch)
                self.assertEqual(answer.count(b'"VALID"'), len(keys))
                for _ in range(500):
                    self.ask(connection, single)

        self.assert_stays_flat(tenth)

    def test_over_ten_thousand_connections(self):
        request = f"GET /healthz HTTP/1.1\r\nHost: {self.node.host}\r\n\r\n".encode()

        def tenth(_):
            for i in range(1000):
                with self.node.connect() as connection:
                    if i % 4 == 0:
                        continue  # Closed before anything was asked.
                    if i % 4 == 1:
                        connection.sendall(request[:-7])  # Closed in the middle of a request.
                        continue
                    self.ask(connection, request)

        self.assert_stays_flat(tenth)


if __name__ == "__main__":
    unittest.main()
