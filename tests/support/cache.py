"""What tests fetch, outside the repository: made once, by whichever process asks first."""

import contextlib
import fcntl
import os
import pathlib


def place(name):
    """Where `name` is, or is to be. Its folder is there."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "keyledger"
    cache.mkdir(parents=True, exist_ok=True)
    return cache / name


@contextlib.contextmanager
def locked(target):
    """While one process makes `target`, the others wait for it here."""
    with open(f"{target}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
