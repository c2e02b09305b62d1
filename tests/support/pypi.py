#!/usr/bin/python3
"""Packages of PyPI as a requirements.txt pins them, in a Python environment of their own: made once, kept outside the
repository.

    pypi.py REQUIREMENTS     makes what is missing and prints its Python
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys

import cache

MAKE_DEADLINE = 600  # Seconds.


def python(requirements):
    """The Python that has the packages, after fetching them if they aren't there. Any number of processes may ask at
    once."""
    target = cache.place(f"venv-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}")
    done = target / "made"  # An environment names its own path: it can't be made elsewhere and moved here.
    with cache.locked(target):
        if not done.exists():
            shutil.rmtree(target, ignore_errors=True)
            print(f"fetching {requirements} into {target}", file=sys.stderr)
            for command in (["/usr/bin/python3", "-m", "venv", str(target)],
                            [str(target / "bin/python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:",
                             "--disable-pip-version-check", "-r", str(requirements)]):
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=MAKE_DEADLINE)
            done.touch()
    return target / "bin/python"


if __name__ == "__main__":
    print(python(pathlib.Path(sys.argv[1]).resolve()))
