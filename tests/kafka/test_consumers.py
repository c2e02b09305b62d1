"""examples/consumers: programs that keep an account's keys from the topic alone, beside what the API says."""

import json
import re
import secrets
import signal
import subprocess
import unittest

import jsonschema
import pypi
import yaml
from deployment import DeploymentTest
from kafka import kcat
from node import DEADLINE, ROOT, eventually, run

EXAMPLES = ROOT / "examples/consumers"
ACCOUNT = "/v1/accounts/acme/keys"
MEMBERS = ("id", "name", "description", "enabled", "value_hint", "created_at", "expires_at", "version")


class Consumers(DeploymentTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.python = pypi.python(EXAMPLES / "requirements.txt")

    def setUp(self):
        super().setUp()
        self.node = self.deployment.start()
        self.deployment.leader()
        self.token = self.node.token()
        self.store = self.deployment.work / "store.db"

    def command(self, *flags):
        return [str(self.python), str(EXAMPLES / "account_keys.py"), "--bootstrap", self.cluster.bootstrap, "--prefix",
                self.deployment.kafka[-1], "--account", "acme", "--store", str(self.store), *flags]

    def consume(self, expect=0):
        """The list; or what it said, where it is `expect`ed to fail."""
        done = subprocess.run(self.command(), capture_output=True, text=True, check=False, timeout=DEADLINE)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stderr if expect else json.loads(done.stdout)

    def listed(self):
        keys = self.node.get(f"{ACCOUNT}?limit=1000&order=asc", token=self.token).json["keys"]
        return sorted(({name: key[name] for name in MEMBERS} for key in keys), key=lambda key: key["id"])

    def live_through(self):
        """Everything that can happen to keys, and keys of others."""
        ids = [self.node.create(self.token, name=f"key {i}", description=None if i % 2 else "a server, say")["id"]
               for i in range(6)]
        self.node.create(self.node.token("other"), account="other", name="somebody else's")
        change = lambda key, **members: self.node.patch(f"{ACCOUNT}/{key}", members, token=self.token)
        change(ids[0], name="another – name", enabled=False, description="three events, one command")
        change(ids[1], enabled=False)
        change(ids[1], enabled=True, expires_at="2031-01-01T00:00:00Z")
        change(ids[1], expires_at=None)
        self.node.post(f"{ACCOUNT}/{ids[2]}/reveal", token=self.token)
        self.node.delete(f"{ACCOUNT}/{ids[3]}", token=self.token)

    def test_from_the_first_event_it_has_the_list_that_the_api_has(self):
        self.live_through()
        self.assertEqual(self.consume(), self.listed())
        self.assertGreater(len(self.listed()), 3)

    def test_each_record_is_as_the_contract_says(self):
        self.live_through()
        contract = yaml.safe_load((ROOT / "schemas/asyncapi.yaml").read_text(encoding="utf-8"))
        known = contract["components"]["schemas"]["Headers"]
        topic = f"{self.deployment.kafka[-1]}.key-events"
        for record in kcat.records(self.cluster.bootstrap, topic):
            headers = dict(zip(record["headers"][::2], record["headers"][1::2]))
            event = json.loads(record["payload"])
            jsonschema.validate(headers, {**known, "additionalProperties": False})
            for name in ("id", "source", "type", "subject", "time", "dataschema", "account", "commandid"):
                self.assertEqual(headers.get(f"ce_{name}"), event.get(name), name)
            self.assertEqual(record["key"] or None, event.get("account"))

    def test_it_goes_on_from_its_store_across_a_new_leader(self):
        self.live_through()
        before = self.consume()
        self.assertEqual(self.consume(), before)
        self.node.restart()
        self.deployment.leader()
        self.live_through()
        self.assertEqual(self.consume(), self.listed())
        self.store.unlink()
        self.assertEqual(self.consume(), self.listed())

    def test_killed_at_any_moment_it_loses_nothing_and_counts_nothing_twice(self):
        process = subprocess.Popen(self.command("--follow"), stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        try:
            self.assertEqual(json.loads(process.stdout.readline()), [])
            self.live_through()
            json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE)
        self.live_through()
        self.assertEqual(self.consume(), self.listed())

    def event(self, key, version, **attributes):
        """A KeyRenamed as the leader would write it, as the bytes of a record."""
        created = next(event for event in self.deployment.replay() if event.get("subject") == key)
        event = {name: value for name, value in created.items() if name != "position"}
        new = "0" + secrets.token_hex(13).upper()[:25]
        event |= {"id": new, "type": "keyledger.KeyRenamed", "subject": key, "commandid": new,
                  "commandplace": "1/1", "dataschema": "urn:keyledger:schema:KeyRenamed:1", "keyversion": version,
                  "data": {"name": "never", "actor": created["data"]["actor"]}} | attributes
        return json.dumps(event, separators=(",", ":"))

    def halt(self, *values):
        """Writes records that no writer wrote, and gives back the position at which the read model halts."""
        kcat.produce(self.cluster.bootstrap, f"{self.deployment.kafka[-1]}.key-events", *values)
        ready = lambda: self.node.get("/readyz", fresh=True)
        halted = lambda: re.search(r"position (\d+)", " ".join(ready().json["reasons"]))
        return int(eventually(halted, "the node halts")[1])

    def quarantine(self, position):
        said = json.loads(run("projection", "quarantine", position, "--reason", "a mistake", "--data-dir",
                              self.node.data_dir)[0])
        eventually(lambda: said["halted"] or self.node.get("/readyz", fresh=True).status == 200, "the node goes on")
        return said

    def test_what_can_not_be_read_is_waited_at_until_it_is_quarantined(self):
        key = self.node.create(self.token)["id"]
        with subprocess.Popen(self.command("--follow"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            try:
                self.assertEqual(len(json.loads(process.stdout.readline())), 1)
                position = self.halt("no event at all")
                self.assertIn(f"position {position}: ", process.stderr.readline())
                self.assertIn(f"position {position}: ", self.consume(expect=1).splitlines()[-1])
                self.assertEqual(self.quarantine(position)["key"], None)
                later = self.node.create(self.token)["id"]
                self.assertEqual([one["id"] for one in json.loads(process.stdout.readline())], [key, later])
            finally:
                process.terminate()
        self.assertEqual(self.consume(), self.listed())

    def test_what_is_quarantined_is_passed_over_and_leaves_its_key_disabled(self):
        self.live_through()
        keys = [key["id"] for key in self.listed() if key["enabled"]]
        self.consume()
        # Of one command, the last with a version that doesn't follow; one cut off; one that only a newer program knows.
        whole = [self.event(keys[0], version, commandid="0" * 26, commandplace=f"{place}/2")
                 for place, version in ((1, 2), (2, 9))]
        position = self.halt(*whole)
        self.assertIn(f"position {position}: ", self.consume(expect=1))
        self.assertEqual(self.quarantine(position)["key"], keys[0])
        text = self.event(keys[1], 7)
        self.assertEqual(self.quarantine(self.halt(text[:text.index('"data"')]))["key"], keys[1])
        position = self.halt(self.event(keys[2], 2, type="keyledger.KeyFrozen", critical=True))
        self.assertIn("KeyFrozen", self.consume(expect=1))
        self.quarantine(position)
        self.node.patch(f"{ACCOUNT}/{keys[1]}", {"enabled": True}, token=self.token)
        listed = self.listed()
        self.assertEqual([(one["enabled"], one["version"]) for one in listed if one["id"] in keys[:2]],
                         [(False, 9), (True, 8)])
        self.assertEqual(self.consume(), listed)
        self.store.unlink()
        self.assertEqual(self.consume(), listed)

    def test_what_it_had_applied_before_it_was_quarantined_is_taken_back(self):
        key = self.node.create(self.token)["id"]
        # What is said of a key's value is nothing to this program, but the read model judges it.
        revealed = self.event(key, 5, type="keyledger.KeyValueRevealed",
                              dataschema="urn:keyledger:schema:KeyValueRevealed:1",
                              data={"actor": {"subject": "nobody"}})
        position = self.halt(revealed)
        self.assertEqual(self.consume()[0]["enabled"], True)
        self.assertEqual(self.quarantine(position)["key"], key)
        self.assertEqual(self.consume(), self.listed())
        self.assertEqual([(one["enabled"], one["version"]) for one in self.listed()], [(False, 5)])

    def test_following_it_tells_of_a_change_at_once(self):
        with subprocess.Popen(self.command("--follow"), stdout=subprocess.PIPE, text=True) as process:
            try:
                self.assertEqual(json.loads(process.stdout.readline()), [])
                key = self.node.create(self.token, name="new")
                self.assertEqual([one["id"] for one in json.loads(process.stdout.readline())], [key["id"]])
                self.node.delete(f"{ACCOUNT}/{key['id']}", token=self.token)
                self.assertEqual(json.loads(process.stdout.readline()), [])
            finally:
                process.terminate()


if __name__ == "__main__":
    unittest.main()
