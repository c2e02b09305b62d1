#!/usr/bin/env python3
"""Fails when a file includes what its folder may not know, by the table in docs/architecture.md.

usage: check_includes.py ROOT
"""
import pathlib
import re
import sys

TREES = ("events", "projections", "services")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
CODE = re.compile(r"`([^`]+)`")
# What the word POSIX in the table stands for: the C library's and the kernel's own headers.
POSIX = re.compile(r"(unistd|fcntl|poll|pthread|sched|signal|stdlib|string|time|errno|termios|netdb)\.h"
                   r"|(sys|netinet|arpa|linux)/.*")


def read_table(document):
    """Folder -> (folders that it may include, what it may include of others, as prefixes)."""
    rows = document.split("<!-- includes:begin -->")[1].split("<!-- includes:end -->")[0]
    table = {}
    for row in rows.strip().splitlines()[2:]:
        folder, own, foreign = [CODE.findall(cell) for cell in row.strip().strip("|").split("|")[:3]]
        table[folder[0]] = (own, foreign)
    for folder, (own, _) in table.items():
        unknown = [other for other in own if other not in table]
        if unknown:
            raise ValueError(f"{folder} may include {unknown}, which have no row of their own")
    return table


def folder_of(path, table):
    """The deepest folder of the table that `path` is in."""
    inside = [folder for folder in table if path.startswith(folder + "/")]
    return max(inside, key=len, default=None)


def may_include(folder, header, table):
    own, foreign = table[folder]
    target = folder_of(header, table)
    if target is not None:
        return target == folder or target in own
    if re.fullmatch(r"[a-z_0-9]+", header):
        return True  # The C++ standard library.
    if "POSIX" in foreign and POSIX.fullmatch(header):
        return True
    return any(header == prefix or (prefix.endswith("/") and header.startswith(prefix))
               for prefix in foreign)


def violations(root):
    table = read_table((root / "docs/architecture.md").read_text(encoding="utf-8"))
    for file in sorted(file for tree in TREES for file in (root / tree).rglob("*")):
        if file.suffix not in {".h", ".cc"}:
            continue
        name = file.relative_to(root).as_posix()
        folder = folder_of(name, table)
        if folder is None:
            yield f"{name}: its folder has no row in docs/architecture.md"
            continue
        for header in INCLUDE.findall(file.read_text(encoding="utf-8")):
            if not may_include(folder, header, table):
                yield f"{name}: {folder} may not include {header}"


def main(root):
    found = list(violations(root))
    print("\n".join(found) or "every include follows the table in docs/architecture.md")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
