"""The check of includes can fail, and fails for the right reasons."""
import pathlib
import tempfile
import unittest

import check_includes

TABLE = """
<!-- includes:begin -->
| folder | of ours | of others |
| --- | --- | --- |
| `events` | | |
| `events/log` | `events` | `simdjson.h` |
| `events/log/embedded` | `events`, `events/log` | `rocksdb/`, `POSIX` |
<!-- includes:end -->
"""


class CheckIncludes(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.TemporaryDirectory()
        self.addCleanup(self.tree.cleanup)
        self.root = pathlib.Path(self.tree.name)
        self.write("docs/architecture.md", TABLE)

    def write(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def violations(self):
        return list(check_includes.violations(self.root))

    def test_what_the_table_allows_passes(self):
        self.write("events/a.h", "#include <vector>\n#include \"events/b.h\"\n")
        self.write("events/log/c.cc", "#include <simdjson.h>\n#include \"events/a.h\"\n")
        self.write("events/log/embedded/d.cc", "#include <rocksdb/db.h>\n#include <unistd.h>\n#include \"events/log/c.h\"\n")
        self.assertEqual(self.violations(), [])

    def test_an_arrow_backwards_is_found(self):
        self.write("events/a.h", "#include \"events/log/c.h\"\n")
        self.assertEqual(self.violations(), ["events/a.h: events may not include events/log/c.h"])

    def test_an_adapter_is_not_part_of_the_port(self):
        self.write("events/log/c.cc", "  #  include \"events/log/embedded/d.h\"\n")
        self.assertEqual(len(self.violations()), 1)

    def test_a_library_outside_the_row_is_found(self):
        self.write("events/a.h", "#include <rocksdb/db.h>\n#include <simdjson.h>\n#include <unistd.h>\n")
        self.assertEqual(len(self.violations()), 3)

    def test_a_folder_without_a_row_is_found(self):
        self.write("services/new/a.cc", "int x;\n")
        self.assertEqual(self.violations(), ["services/new/a.cc: its folder has no row in docs/architecture.md"])

    def test_a_row_that_names_a_folder_without_a_row_is_an_error(self):
        self.write("docs/architecture.md", TABLE.replace("| `events/log` | `events` |", "| `events/log` | `elsewhere` |"))
        with self.assertRaises(ValueError):
            self.violations()


if __name__ == "__main__":
    unittest.main()
