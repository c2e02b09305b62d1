"""Ports for what has to come back to the same one."""

import socket


class ReservedPort:
    """A port of 127.0.0.1 that a server may take, leave and take again, while nobody else gets it.

    It is bound and not listened on: the system gives it to nobody who asks for a free port, a client's connection
    is refused and never begins at it, and a server that sets SO_REUSEADDR can have it.
    """

    def __init__(self):
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.number = self._holder.getsockname()[1]
        self.address = f"127.0.0.1:{self.number}"

    def close(self):
        self._holder.close()
