"""Options of serve: flags over environment over file, and everything that is wrong is named, with exit 2."""

import os
import tempfile
import unittest

from node import Node, NodeTest, run

WRONG_VALUES = [
    ("--threads", "-1"), ("--threads", "257"), ("--threads", "two"), ("--threads", ""), ("--roles", "pages"),
    ("--roles", "command,admin"), ("--roles", ""), ("--log", "kafka"), ("--values", "twice"), ("--log-level", "trace"),
    ("--key-prefix", "1a"), ("--key-prefix", "a_b"), ("--key-prefix", "a" * 17), ("--max-connections", "0"),
    ("--max-connections", "x"), ("--cache-size", "lots"), ("--cache-size", "-1"), ("--cache-size", "MB"),
    ("--cache-size", "99999999999GB"), ("--listen", "nowhere"),
    ("--listen", "127.0.0.1:65536"), ("--listen", "127.0.0.1:http"), ("--verify-listen", ":"),
    ("--max-staleness", "10"), ("--max-staleness", "1.5s"),
    ("--drain-timeout", "1 fortnight"), ("--request-timeout", "-1s"), ("--header-timeout", "s"),
    ("--body-timeout", "1.5.2s"),
    ("--idle-timeout", "99999999999999999999d"), ("--threads", "010"), ("--threads", "0x10"),
    ("--threads", "18446744073709551617"), ("--max-connections", "18446744073709551617"), ("--max-connections", "0100"),
    ("--cache-size", "18446744073709551617"), ("--throttle-failures", "18446744073709551617/min"),
]

# More than 64 bits hold, and what some would take for octal, hexadecimal, or what is left of 2^64.
NO_NUMBERS = ("18446744073709551616", "99999999999999999999999", "010", "0x1", "-1", "+1", "1e3", "1.0", " 1", "")


def refusal(*arguments, **environment):
    """What is said by a command line that is wrong, on standard error alone."""
    with tempfile.TemporaryDirectory() as here:
        printed, said = run(*arguments, expect=2, env={**os.environ, **environment}, cwd=here)
    assert printed == "", printed
    return said


class Precedence(NodeTest):
    def prefix(self, *flags, **environment):
        """What values begin with at a node that is started so."""
        with Node(self.work / "other", *flags, env=environment) as node:
            return node.create(node.token())["value"].split("_")[0]

    def test_a_flag_wins_over_the_environment_and_that_over_the_file(self):
        file = self.work / "keyledger.toml"
        file.write_text('key-prefix = "infile"\nvalues = "once"\n', encoding="utf-8")
        self.assertEqual(self.prefix(), "kl")
        self.assertEqual(self.prefix("--config", file), "infile")
        self.assertEqual(self.prefix(KEYLEDGER_CONFIG=str(file)), "infile")
        self.assertEqual(self.prefix("--config", file, KEYLEDGER_KEY_PREFIX="inenv"), "inenv")
        self.assertEqual(self.prefix("--config", file, "--key-prefix", "inflag", KEYLEDGER_KEY_PREFIX="inenv"),
                         "inflag")
        self.assertEqual(self.prefix("--key-prefix", "inflag", KEYLEDGER_KEY_PREFIX="inenv"), "inflag")

    def test_a_file_sets_every_kind_of_option(self):
        data = self.work / "elsewhere"
        file = self.work / "keyledger.toml"
        file.write_text(f'# A comment.\ndata-dir = "{data}"\nlisten = ["127.0.0.1:0"]\nverify-listen = "127.0.0.1:0"\n'
                        'roles = ["command", "verify"]\nthreads = 1\nheader-timeout = "2s"\ncache-size = "16MB"\n'
                        "values = 'once'\n", encoding="utf-8")
        node = Node(data, "--config", file)
        node.listeners = 2
        with node:
            self.assertTrue((data / "log").is_dir())
            key = node.create(node.token())
            self.assertEqual(node.get("/v1/accounts/acme/keys", token=node.token()).status, 405)
            self.assertEqual(node.post(f"/v1/accounts/acme/keys/{key['id']}/reveal", token=node.token()).status, 410)
            self.assertEqual(node.verify(key["value"], fresh=True, port=node.verify_port)["code"], "VALID")

    def test_keys_with_another_prefix_than_the_nodes_are_malformed(self):
        key = self.node.create(self.token)["value"]
        self.node.restart("--key-prefix", "acme")
        self.assertEqual(self.node.verify(key)["code"], "MALFORMED")
        self.assertRegex(self.node.create(self.token)["value"], "^acme_[0-9A-Za-z]{49}$")


class Mistakes(unittest.TestCase):
    def test_what_is_no_whole_number_is_refused_by_every_command(self):
        for text in NO_NUMBERS:
            self.assertIn("--after", refusal("replay", f"--after={text}"), text)
            self.assertIn("--replication", refusal("topics", "create", "--kafka.bootstrap", "127.0.0.1:1",
                                                   f"--replication={text}"), text)
            if not text.startswith("-"):
                self.assertIn("position", refusal("projection", "quarantine", text, "--reason", "x"), text)
        self.assertIn("count from 1", refusal("projection", "quarantine", "0", "--reason", "x"))

    def test_a_flag_that_there_is_not_is_named(self):
        for arguments in (["serve", "--datadir", "x"], ["serve", "--fast"], ["token", "--key-ring", "x", "--fast"],
                          ["replay", "--fast"], ["projection", "status", "--fast"], ["keyring", "init", "x", "--fast"]):
            wrong = next(word for word in arguments if word in ("--datadir", "--fast"))
            self.assertIn(wrong, refusal(*arguments), arguments)

    def test_a_command_that_there_is_not_and_none_at_all_are_2(self):
        for arguments in ([], ["help-me"], ["projection"], ["projection", "drop"], ["log"], ["keyring"],
                          ["keyring", "init"],
                          ["serve", "now"], ["token"], ["token", "--data-dir", "a", "--key-ring", "b"],
                          ["keyring", "export", "x"], ["keyring", "export", "x", "--for", "everybody"]):
            self.assertTrue(refusal(*arguments), arguments)

    def test_a_wrong_value_of_a_flag_is_named(self):
        for flag, value in WRONG_VALUES:
            self.assertIn(flag, refusal("serve", f"{flag}={value}"), (flag, value))

    def test_a_wrong_value_of_a_variable_is_named(self):
        for flag, value in WRONG_VALUES:
            if value:  # An empty variable is none.
                variable = "KEYLEDGER_" + flag.removeprefix("--").upper().replace("-", "_")
                said = refusal("serve", **{variable: value})
                self.assertTrue(flag in said or variable in said, (variable, value, said))

    def test_a_variable_that_is_no_option_is_named(self):
        for variable in ("KEYLEDGER_DATADIR", "KEYLEDGER_HELP", "KEYLEDGER_", "KEYLEDGER_DATA_DIR_"):
            self.assertIn(variable, refusal("serve", **{variable: "x"}))


class Files(NodeTest):
    def said_of(self, text):
        file = self.work / "wrong.toml"
        file.write_text(text, encoding="utf-8")
        return refusal("serve", "--config", file, "--data-dir", self.work / "other")

    def test_a_key_that_is_no_option_is_named(self):
        for text, name in (('datadir = "x"\n', "datadir"), ("[serve]\nthreads = 1\n", "serve"),
                           ("help = true\n", "help"),
                           ('config = "x"\n', "config"), ('DATA-DIR = "x"\n', "DATA-DIR"),
                           ('threads = 1\ndata_dir = "x"\n',
                                                                                           "data_dir")):
            self.assertIn(name, self.said_of(text), text)

    def test_a_wrong_value_in_a_file_is_named(self):
        for flag, value in WRONG_VALUES:
            if value:
                self.assertIn(flag.removeprefix("--"), self.said_of(f'{flag.removeprefix("--")} = "{value}"\n'),
                              (flag, value))

    def test_a_file_that_is_no_toml_is_named_with_the_line(self):
        for text in ('listen = ["127.0.0.1:0"\n', "threads = 1\nthreads = 2\n", 'data-dir = "x\n', "threads\n", "\xff"):
            self.assertRegex(self.said_of(text), r"wrong\.toml, line [12]: ", text)

    def test_a_value_of_another_kind_is_named(self):
        for text in ("threads = 1.5\n", "threads = true\n", "data-dir = 2026-11-25\n", "listen = [[]]\n", 'key-prefix = ""\n'):
            name = text.split(" ", maxsplit=1)[0]
            self.assertRegex(self.said_of(text), rf"wrong\.toml: {name} must be a string that isn't empty, a whole number", text)
        self.assertIn("wrong.toml: roles must not be an empty list", self.said_of("roles = []\n"))

    def test_a_file_that_is_not_there_is_named(self):
        self.assertIn("nowhere.toml", refusal("serve", "--config", self.work / "nowhere.toml"))
        self.assertIn(f"can't read the file of --config, {self.work}", refusal("serve", "--config", self.work))


if __name__ == "__main__":
    unittest.main()
