"""schemas/asyncapi.yaml: AsyncAPI's own parser takes it, and what it says of events is what their schemas say."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from test_golden import fact_types, golden, schema

from openapi_check import SCHEMAS

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
import npm  # noqa: E402  # pylint: disable=wrong-import-position

DEADLINE = 120  # Seconds.


def parse(document):
    """The parser's exit code, the messages it found, and what it complained of."""
    done = subprocess.run(["node", str(HERE / "asyncapi/check.mjs"), str(npm.fetched(HERE / "asyncapi")), str(document)],
                          capture_output=True, text=True, check=False, timeout=DEADLINE)
    return done.returncode, json.loads(done.stdout or "[]"), done.stderr


def without_notes(value):
    """What the parser added taken away."""
    if isinstance(value, dict):
        return {name: without_notes(member) for name, member in value.items() if not name.startswith("x-parser")}
    return [without_notes(one) for one in value] if isinstance(value, list) else value


class AsyncApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.code, cls.messages, cls.said = parse(SCHEMAS / "asyncapi.yaml")

    def test_its_parser_has_nothing_against_it(self):
        self.assertEqual((self.code, self.said), (0, ""))

    def test_each_type_of_event_is_a_message_with_its_schema(self):
        payloads = {message["name"]: without_notes(message["payload"]["schema"]) for message in self.messages}
        self.assertEqual(payloads, {f"keyledger.{kind}": schema(kind) for kind in fact_types()})

    def test_each_message_is_named_as_the_type_in_its_example(self):
        names = {message["name"] for message in self.messages}
        self.assertEqual(names, {golden(kind)["type"] for kind in fact_types()})

    def test_a_document_that_is_wrong_is_found(self):
        text = (SCHEMAS / "asyncapi.yaml").read_text(encoding="utf-8")
        text = text.replace("./events/", f"{SCHEMAS}/events/").replace("action: send", "action: shout")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as wrong:
            wrong.write(text)
            wrong.flush()
            code, _, said = parse(wrong.name)
        self.assertNotEqual(code, 0)
        self.assertIn("action", said)


if __name__ == "__main__":
    unittest.main()
