#!/usr/bin/env python3
"""Lints schemas/openapi.yaml with the linter that openapi-lint/ pins.

    lint_openapi.py BUILD_DIRECTORY

The linter is installed into BUILD_DIRECTORY once for each package-lock.json. To show that it would find
something, it is also given a copy of the document that is broken.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys

_HERE = pathlib.Path(__file__).resolve().parent
_DOCUMENT = _HERE.parents[1] / "schemas" / "openapi.yaml"
_FILES = (".npmrc", "lint.mjs", "package-lock.json", "package.json", "redocly.yaml")

# Each is a text in the document and what it is replaced with to break a rule.
_FAULTS = (
    ("operationId: verifyBatch", "operationId: verify"),
    ("'#/components/responses/Gone'", "'#/components/responses/Went'"),
    ("example: { alive: true }", "example: { alive: 1 }"),
)


def install(build):
    """Brings the linter into `build`, unless it is there."""
    for name in _FILES:
        shutil.copyfile(_HERE / "openapi-lint" / name, build / name)
    wanted = hashlib.sha256((build / "package-lock.json").read_bytes()).hexdigest()
    stamp = build / "installed"
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return
    stamp.unlink(missing_ok=True)
    subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=build, check=True)
    stamp.write_text(wanted, encoding="ascii")


def lint(build, document):
    return subprocess.run(["node", "lint.mjs", str(document)], cwd=build, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    build.mkdir(parents=True, exist_ok=True)
    install(build)
    result = lint(build, _DOCUMENT)
    print(result.stdout)
    if result.returncode != 0:
        return 1

    text = _DOCUMENT.read_text(encoding="utf-8")
    for found, broken in _FAULTS:
        assert text.count(found) == 1, f"{found!r} is not in the document once"
        copy = build / "broken.yaml"
        copy.write_text(text.replace(found, broken), encoding="utf-8")
        result = lint(build, copy)
        if result.returncode != 1 or "broken.yaml" not in result.stdout:
            print(f"{broken!r} instead of {found!r} was not found:\n{result.stdout}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
