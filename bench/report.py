"""What the benches share: docs/benchmarks.md, of which each writes its own section."""

import datetime
import os
import pathlib
import platform
import re
import shlex
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/benchmarks.md"
HEAD = """# Benchmarks

Each section says by which command it was made; `--write` replaces it. The machines are shared, so read the ratios,
which are taken side by side in one run, and the CPU times, not the bare rates.
"""


def write_section(title, text):
    """Puts `text` under the heading `title` in docs/benchmarks.md, in place of what was there before, if anything."""
    page = PAGE.read_text() if PAGE.exists() else HEAD
    section = f"## {title}\n\n{made_by()}\n\n{text.strip()}\n"
    head, *sections = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    names = [one.split("\n", 1)[0] for one in sections]
    if f"## {title}" in names:
        sections[names.index(f"## {title}")] = section
    else:
        sections.append(section)
    PAGE.write_text("\n\n".join(part.strip() for part in [head, *sections]) + "\n")


def made_by():
    """How, when and where this program was run."""
    program = pathlib.Path(sys.argv[0]).resolve().relative_to(ROOT)
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text()).group(1)
    return (f"Made by `{shlex.join([str(program), *sys.argv[1:]])}` on {datetime.date.today()}: {os.cpu_count()} processors\n"
            f"({model}), Linux {platform.release()}.")
