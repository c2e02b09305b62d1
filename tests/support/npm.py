#!/usr/bin/python3
"""Packages of npm's registry as a folder's package-lock.json pins them: fetched once, kept outside the repository.

    npm.py FOLDER     fetches what is missing and prints where the packages are
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

import cache

FETCH_DEADLINE = 600  # Seconds.


def cached(folder):
    """Where the packages of `folder` are: a place for each package-lock.json, and nothing half done."""
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    return cache.place(f"{folder.name}-{lock[:16]}")


def fetched(folder):
    """`cached()`, after fetching them if they aren't there. Any number of processes may ask at once."""
    target = cached(folder)
    if target.is_dir():
        return target
    with cache.locked(target):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as temporary:
                new = pathlib.Path(temporary, "modules")
                new.mkdir()
                for name in (".npmrc", "package-lock.json", "package.json"):
                    shutil.copyfile(folder / name, new / name)
                print(f"fetching npm packages into {target}", file=sys.stderr)
                subprocess.run(["npm", "ci", "--ignore-scripts", "--no-progress"], cwd=new, check=True,
                               stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=FETCH_DEADLINE)
                new.rename(target)
    return target


if __name__ == "__main__":
    print(fetched(pathlib.Path(sys.argv[1]).resolve()))
