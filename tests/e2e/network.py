"""A network of one's own, in which every port is free."""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


@contextlib.contextmanager
def own_network():
    """Within it, this thread and the processes that it starts have a network with nothing but a loopback of their own.

    Raises OSError where that isn't allowed: it takes root.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def done(status):
        if status != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    with open("/proc/thread-self/ns/net", "rb") as before:
        done(libc.unshare(CLONE_NEWNET))
        try:
            _bring_up_loopback()
            yield
        finally:
            done(libc.setns(before.fileno(), CLONE_NEWNET))


def _bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
