"""Clients that hold many connections never take the files that the log and the read model need."""

import os
import pathlib
import socket
import tempfile
import unittest

from node import DEADLINE, KEYLEDGER, Node

OPEN_FILES = 128
ASK = b"GET /healthz HTTP/1.1\r\nHost: keyledger\r\n\r\n"


class OpenFiles(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="keyledger-files-")
        self.addCleanup(directory.cleanup)
        work = pathlib.Path(directory.name)
        program = work / "limited"
        program.write_text(f'#!/bin/sh\nulimit -n {OPEN_FILES}\nexec "{os.path.abspath(KEYLEDGER)}" "$@"\n')
        program.chmod(0o700)
        self.node = Node(work / "data", program=program).start()
        self.addCleanup(lambda: self.node.stop())  # pylint: disable=unnecessary-lambda

    def test_half_of_them_are_never_for_connections(self):
        token = self.node.token()
        self.node.create(token)
        clients = [socket.create_connection(("127.0.0.1", self.node.port), timeout=DEADLINE) for _ in range(150)]
        for client in clients:
            self.addCleanup(client.close)
        served = sum(self.is_served(client) for client in clients)
        self.assertEqual(served, OPEN_FILES // 2 - 1)  # One is the node's own, of before.
        self.assertLess(len(os.listdir(f"/proc/{self.node.process.pid}/fd")), OPEN_FILES - 16)
        self.node.create(token)
        self.assertIn("the limit of open files is too low", "".join(self.node.log))

    @staticmethod
    def is_served(client):
        try:
            client.sendall(ASK)
            return client.recv(1000).startswith(b"HTTP/1.1 200")
        except ConnectionError:
            return False


if __name__ == "__main__":
    unittest.main()
