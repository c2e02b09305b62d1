"""A network between a client and a server that goes bad when told to."""

import contextlib
import socket
import threading
import time

from ports import ReservedPort

CONNECT_DEADLINE = 10  # Seconds.
CHUNK_BYTES = 1 << 16


class Proxy:
    """Passes TCP connections on to `port` of 127.0.0.1. `address` is where it listens; it keeps it until `close`.

    Any thread may call its methods. Each returns when it holds for all connections, also those that come later; only
    `heal` undoes it.
    """

    def __init__(self, port):
        self._server = ("127.0.0.1", port)
        self._port = ReservedPort()
        self.address = self._port.address
        self._changed = threading.Condition()  # Guards all that follows.
        self._listener = None
        self._connections = set()  # Pairs of sockets: the client's, the server's.
        self._held = {"requests": False, "answers": False}
        self._delay = 0
        self.heal()

    def delay(self, seconds):
        """Each piece of at most 64 KiB goes on that much later, both ways. No piece overtakes another."""
        with self._changed:
            self._delay = seconds

    def hold(self, requests=True, answers=True):
        """Half open: passes nothing on, keeps all connections and takes new ones. `heal` passes on what was held.

        `requests` alone: the server doesn't hear the client; `answers` alone: it does, and the client doesn't hear it.
        """
        with self._changed:
            self._held = {"requests": requests, "answers": answers}

    def cut(self):
        """Closes all connections and refuses new ones. What was under way is lost."""
        with self._changed:
            if self._listener is not None:
                self._listener.shutdown(socket.SHUT_RDWR)  # Wakes _accept, which closes it.
                self._listener = None
            for connection in list(self._connections):
                self._shut(connection)

    def heal(self):
        """Is a good network again: connections that were held go on, those that were cut are for the client to renew."""
        with self._changed:
            self._held = {"requests": False, "answers": False}
            self._delay = 0
            if self._listener is None:
                self._listener = socket.create_server(("127.0.0.1", self._port.number))
                threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
            self._changed.notify_all()

    def close(self):
        self.cut()
        self._port.close()

    def _accept(self, listener):
        with listener, contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client, listener), daemon=True).start()

    def _serve(self, client, listener):
        with client, contextlib.suppress(OSError), \
                socket.create_connection(self._server, CONNECT_DEADLINE) as server:
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = (client, server)
            with self._changed:
                if self._listener is not listener:
                    return  # Was cut meanwhile.
                self._connections.add(connection)
            answers = threading.Thread(target=self._pass_on, args=(connection, server, client, "answers"), daemon=True)
            answers.start()
            self._pass_on(connection, client, server, "requests")
            answers.join()

    def _pass_on(self, connection, source, target, direction):
        with contextlib.suppress(OSError):
            while self._may_pass(connection, direction):
                piece = source.recv(CHUNK_BYTES)
                # It may have been told to hold while it waited for this piece.
                if not self._may_pass(connection, direction, delayed=True) or not piece:
                    break
                target.sendall(piece)
        with self._changed:
            self._shut(connection)

    def _may_pass(self, connection, direction, delayed=False):
        """Waits until `direction` isn't held. False if the connection was shut."""
        with self._changed:
            due = time.monotonic() + (self._delay if delayed else 0)
            while connection in self._connections:
                early = due - time.monotonic()
                if not self._held[direction] and early <= 0:
                    return True
                self._changed.wait(early if early > 0 else None)
            return False

    def _shut(self, connection):
        """Ends both sides; _serve closes the sockets when neither is in use. Call it with `_changed` held."""
        self._connections.discard(connection)
        for end in connection:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._changed.notify_all()
