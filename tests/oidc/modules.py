#!/usr/bin/python3
"""npm's oidc-provider as package-lock.json pins it: fetched once, kept outside the repository.

As a program: fetches what is missing and prints the folder.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FETCH_DEADLINE = 600  # Seconds.


def folder():
    """Where the modules are: one folder for each package-lock.json, and nothing half done."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    return cache / "keyledger" / f"oidc-{lock[:16]}"


def fetched():
    """`folder()`, after fetching them if they aren't there. Any number of processes may ask at once."""
    target = folder()
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{target}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as temporary:
                new = pathlib.Path(temporary, "modules")
                new.mkdir()
                for name in (".npmrc", "package-lock.json", "package.json"):
                    shutil.copyfile(HERE / name, new / name)
                print(f"fetching oidc-provider into {target}", file=sys.stderr)
                subprocess.run(["npm", "ci", "--ignore-scripts", "--no-progress"], cwd=new, check=True,
                               stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=FETCH_DEADLINE)
                new.rename(target)
    return target


if __name__ == "__main__":
    print(fetched())
