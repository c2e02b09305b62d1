"""The proxy is the network that its methods say."""

import contextlib
import queue
import socket
import threading
import time
import unittest

from kafka import Proxy

DEADLINE = 60  # Seconds.
SILENCE = 0.2  # Seconds after which nothing is believed to come.


class ToAnEcho(unittest.TestCase):
    """A server that sends back what it gets, and keeps it in `heard`, behind a proxy."""

    def setUp(self):
        self.heard = queue.Queue()
        server = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()
        self.proxy = Proxy(server.getsockname()[1])
        self.addCleanup(self.proxy.close)

    def _accept(self, server):
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection):
        with connection:
            while piece := connection.recv(100):
                self.heard.put(piece)
                connection.sendall(piece)

    def connect(self):
        host, _, port = self.proxy.address.rpartition(":")
        return self.enterContext(socket.create_connection((host, int(port)), DEADLINE))

    def assert_silent(self, connection):
        connection.settimeout(SILENCE)
        with self.assertRaises(TimeoutError):
            connection.recv(100)
        connection.settimeout(DEADLINE)

    def assert_ended(self, connection):
        """In good order or, where the proxy had not read all yet, by a reset."""
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(connection.recv(100), b"")

    def assert_echoes(self, connection, words):
        connection.sendall(words)
        self.assertEqual(connection.recv(100), words)

    def test_passes_everything_on(self):
        client, other = self.connect(), self.connect()
        self.assert_echoes(client, b"one")
        self.assert_echoes(other, b"two")
        much = bytes(range(256)) * 40000
        threading.Thread(target=client.sendall, args=(much,)).start()
        back = b""
        while len(back) < len(much):
            back += client.recv(1 << 20)
        self.assertEqual(back, much)

    def test_a_client_that_leaves_is_gone_for_the_server(self):
        client = self.connect()
        self.assert_echoes(client, b"one")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(100), b"")

    def test_cut_ends_what_there_is_and_refuses_more_until_it_heals(self):
        client = self.connect()
        self.assert_echoes(client, b"one")
        self.proxy.cut()
        self.assert_ended(client)
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        self.proxy.cut()
        self.proxy.heal()
        self.assert_echoes(self.connect(), b"two")

    def test_hold_keeps_the_connection_and_passes_on_later(self):
        client = self.connect()
        self.assert_echoes(client, b"one")
        self.proxy.hold()
        client.sendall(b"two")
        later = self.connect()
        later.sendall(b"three")
        self.assert_silent(client)
        self.assert_silent(later)
        self.assertEqual(self.heard.get_nowait(), b"one")
        self.assertTrue(self.heard.empty())
        self.proxy.heal()
        self.assertEqual(client.recv(100), b"two")
        self.assertEqual(later.recv(100), b"three")

    def test_hold_of_the_answers_alone_lets_the_server_hear(self):
        client = self.connect()
        self.proxy.hold(requests=False)
        client.sendall(b"one")
        self.assertEqual(self.heard.get(timeout=DEADLINE), b"one")
        self.assert_silent(client)
        self.proxy.cut()
        self.assert_ended(client)

    def test_cut_ends_what_was_held(self):
        client = self.connect()
        self.proxy.hold()
        client.sendall(b"one")
        self.proxy.cut()
        self.assert_ended(client)
        self.proxy.heal()
        self.assert_echoes(self.connect(), b"two")
        self.assertEqual(self.heard.get_nowait(), b"two")

    def test_delay_comes_twice_for_a_question_and_its_answer(self):
        client = self.connect()
        self.proxy.delay(0.1)
        began = time.monotonic()
        self.assert_echoes(client, b"one")
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_a_server_that_is_not_there_ends_the_connection(self):
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        self.proxy.close()
        self.proxy = Proxy(port)
        self.assert_ended(self.connect())


if __name__ == "__main__":
    unittest.main()
