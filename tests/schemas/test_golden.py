"""The golden example and the JSON Schema of every type of event."""

import copy
import functools
import json
import re
import unittest

from jsonschema import Draft202012Validator

from openapi_check import SCHEMAS, check_event

_ROOT = SCHEMAS.parent


def fact_types():
    """The types in events/events.h's Fact variant."""
    header = (_ROOT / "events" / "events.h").read_text(encoding="utf-8")
    variant = re.search(r"using Fact = std::variant<([^>]*)>;", header)
    return [name.strip() for name in variant.group(1).split(",")]


def golden(kind):
    return json.loads((SCHEMAS / "examples" / f"{kind}.json").read_text(encoding="utf-8"))


def schema(kind):
    return json.loads((SCHEMAS / "events" / f"{kind}.schema.json").read_text(encoding="utf-8"))


def at(event, path):
    for name in path:
        event = event[name]
    return event


def for_each_type(test):
    """Runs `test` for every type of fact, and goes on where it fails for one."""
    @functools.wraps(test)
    def run(self):
        for kind in fact_types():
            with self.subTest(kind):
                test(self, kind)
    return run


class Golden(unittest.TestCase):
    def assert_refused(self, event, why):
        try:
            check_event(event)
        except AssertionError:
            return
        self.fail(f"the schema of {event.get('type')} takes an event with {why}")

    def test_the_types_are_found(self):
        self.assertIn("KeyCreated", fact_types())
        self.assertEqual(len(fact_types()), len(set(fact_types())))

    def test_every_type_has_a_schema_and_an_example_and_no_other_has(self):
        kinds = set(fact_types())
        self.assertEqual({file.name.removesuffix(".schema.json")
                          for file in (SCHEMAS / "events").glob("*.schema.json")}, kinds)
        self.assertEqual({file.stem for file in (SCHEMAS / "examples").glob("*.json")}, kinds)

    @for_each_type
    def test_every_schema_is_valid_itself_and_named_after_its_type(self, kind):
        Draft202012Validator.check_schema(schema(kind))
        self.assertEqual(schema(kind)["$schema"], Draft202012Validator.META_SCHEMA["$id"])
        self.assertEqual(schema(kind)["$id"], f"urn:keyledger:schema:{kind}:1")
        self.assertEqual(schema(kind)["title"], kind)

    @for_each_type
    def test_every_example_fits_its_schema(self, kind):
        self.assertEqual(golden(kind)["type"], f"keyledger.{kind}")
        check_event(golden(kind))

    @for_each_type
    def test_every_example_is_one_line(self, kind):
        data = (SCHEMAS / "examples" / f"{kind}.json").read_bytes()
        self.assertEqual(data.count(b"\n"), 1)
        self.assertTrue(data.endswith(b"}\n"))

    @for_each_type
    def test_no_required_member_can_be_left_out(self, kind):
        described = schema(kind)
        data = described["properties"]["data"]
        for path, required in (((), described["required"]), (("data",), data["required"]),
                               (("data", "actor"), data["properties"]["actor"]["required"])):
            self.assertTrue(required)
            for name in required:
                event = golden(kind)
                del at(event, path)[name]
                self.assert_refused(event, f"no {'/'.join((*path, name))}")

    @for_each_type
    def test_every_member_of_an_example_is_described(self, kind):
        described = schema(kind)["properties"]
        self.assertLessEqual(set(golden(kind)), set(described))
        self.assertLessEqual(set(golden(kind)["data"]), set(described["data"]["properties"]))

    @for_each_type
    def test_no_member_can_be_of_another_type(self, kind):
        for path in ((), ("data",), ("data", "actor")):
            for name in at(golden(kind), path):
                event = golden(kind)
                at(event, path)[name] = [1]
                self.assert_refused(event, f"an array as {'/'.join((*path, name))}")

    def test_ids_times_and_hashes_must_have_their_form(self):
        wrong = {"id": "01m86vc2q00000000000000003", "source": "urn:keyledger:", "subject": "key_1",
                 "time": "2026-11-24T11:17:30Z", "specversion": "0.3", "datacontenttype": "text/plain",
                 "account": "a/b", "partitionkey": "", "keyversion": 0, "term": "", "commandid": "x",
                 "commandplace": "0/1", "idempotencykey": "A1" * 32, "requesthash": "a1",
                 "traceparent": "01-00", "dataschema": "urn:keyledger:schema:Other:1"}
        used = set()
        for kind in fact_types():
            for name in set(wrong) & set(golden(kind)):
                used.add(name)
                self.assert_refused({**golden(kind), name: wrong[name]}, f"{name} {wrong[name]!r}")
        self.assertEqual(used, set(wrong))

    def test_a_digest_is_64_lower_case_hexadecimal_digits(self):
        for digest in ("5b" * 31, "5B" * 32, "5g" * 32, "5b" * 33, None):
            event = golden("KeyCreated")
            event["data"]["digest"] = digest
            self.assert_refused(event, f"the digest {digest}")

    def test_an_idempotency_key_comes_with_the_hash_of_the_request(self):
        for name in ("idempotencykey", "requesthash"):
            event = golden("KeyCreated")
            del event[name]
            self.assert_refused(event, f"no {name}")

    @for_each_type
    def test_members_that_are_added_later_are_taken(self, kind):
        event = copy.deepcopy(golden(kind))
        event["addedlater"] = 1
        event["data"]["added_later"] = {}
        event["data"]["actor"]["added_later"] = True
        check_event(event)

    @for_each_type
    def test_no_example_holds_a_key_value(self, kind):
        self.assertIsNone(re.search(r"[A-Za-z][A-Za-z0-9]{0,15}_[0-9A-Za-z]{49}", json.dumps(golden(kind))))


if __name__ == "__main__":
    unittest.main()
