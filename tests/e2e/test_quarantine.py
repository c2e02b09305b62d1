"""An event that can't be read or applied, and the way past it: keyledger projection quarantine."""

import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import unittest

from node import DEADLINE, KEYLEDGER, Node, NodeTest, eventually, run

APPEND_RAW = pathlib.Path(KEYLEDGER).with_name("append_raw")


def append_raw(data_dir, *events):
    """Puts events, or what is none, into the log of a stopped node, and gives back the position of the first."""
    lines = [event if isinstance(event, str) else json.dumps(event, separators=(",", ":"), ensure_ascii=False)
             for event in events]
    done = subprocess.run([str(APPEND_RAW), str(data_dir)], input="\n".join(lines), capture_output=True, text=True,
                          check=True, timeout=DEADLINE)
    return int(done.stdout) - len(lines) + 1


class Quarantine(NodeTest):
    """A ledger with a key, and an event for it that comes from nowhere."""

    FLAGS = ("--max-staleness", "1h")

    def setUp(self):
        super().setUp()
        self.key = self.node.create(self.token)
        self.data = self.node.data_dir
        self.path = f"/v1/accounts/acme/keys/{self.key['id']}"
        self.node.stop()

    def event(self, version=7, **members):
        """What renames the key, as it would have to be if the key had been changed before."""
        events = [json.loads(line) for line in run("replay", "--data-dir", self.data)[0].splitlines()]
        [created] = [event for event in events if event["type"] == "keyledger.KeyCreated"]
        terms = [event["id"] for event in events if event["type"] == "keyledger.WriterElected"]
        event = {**created, "type": "keyledger.KeyRenamed", "term": terms[-1],
                 "dataschema": "urn:keyledger:schema:KeyRenamed:1", "keyversion": version,
                 "commandid": "01M86VC2Q00000000000000099", "commandplace": "1/1", **members}
        event["data"] = {"actor": {"subject": "nobody"}, "name": "bad"}
        del event["position"]
        return event

    def halt(self, *events):
        """Starts the node on a log with bad events, and gives back their position."""
        position = append_raw(self.data, *(events or [self.event()]))
        self.node.start()
        return position

    def quarantine(self, position, expect=0, reason="a mistake"):
        said = run("projection", "quarantine", position, "--reason", reason, "--data-dir", self.data, expect=expect)
        return json.loads(said[0]) if expect == 0 else said[1]

    def ready(self):
        return self.node.get("/readyz", fresh=True)

    def wait_until_ready(self):
        eventually(lambda: self.ready().status == 200, "the node is ready")

    def assert_rebuilt_alike(self):
        """After the node was stopped: the live model is the one that the log gives."""
        before = run("projection", "checksum", "--data-dir", self.data)[0]
        self.assertEqual(run("projection", "rebuild", "--data-dir", self.data)[0], before)

    def test_a_node_starts_halted_says_why_and_fails_closed(self):
        position = self.halt()
        ready = self.ready()
        self.assertEqual(ready.status, 503)
        reasons = " ".join(ready.json["reasons"])
        self.assertIn(f"position {position}: KeyRenamed of {self.key['id']}", reasons)
        self.assertIn(f"keyledger projection quarantine {position} --reason", reasons)
        self.assertEqual(self.node.get("/healthz").status, 200)
        self.assertEqual(self.node.post("/v1/verify", {"key": self.key["value"]}).status, 503)
        self.assertEqual(self.node.sign_in("ada@example.com", self.key["value"]), 503)
        self.assertEqual(self.node.patch(self.path, {"name": "b"}, token=self.token).status, 503)
        self.assertIn("keyledger_projection_halted 1", self.node.get("/metrics").body.decode())
        # The log has got nothing, and the next start is the same.
        self.assertEqual(json.loads(run("log", "status", "--data-dir", self.data)[0])["end"], position)
        self.node.restart()
        self.assertEqual(self.ready().status, 503)

    def test_a_running_node_goes_on_without_a_restart_and_the_key_is_disabled(self):
        position = self.halt()
        answer = self.quarantine(position)
        self.assertEqual(answer["quarantined"], {"first": position, "last": position})
        self.assertEqual((answer["account"], answer["key"], answer["halted"]), ("acme", self.key["id"], None))
        self.wait_until_ready()
        self.assertEqual(self.node.verify(self.key["value"])["code"], "DISABLED")
        key = self.node.get(self.path, token=self.token).json
        self.assertEqual((key["name"], key["enabled"], key["version"]), ("a key", False, 7))
        enabled = self.node.patch(self.path, {"enabled": True}, token=self.token)
        self.assertEqual((enabled.status, enabled.json["version"]), (200, 8))
        self.assertEqual(self.node.verify(self.key["value"])["code"], "VALID")

        [_, event, _] = self.node.get(f"{self.path}/events", token=self.token).json["events"]
        self.assertEqual((event["position"], event["type"]), (position, "keyledger.EventQuarantined"))
        self.assertEqual((event["data"]["reason"], event["data"]["actor"]["subject"]),
                         ("a mistake", f"uid:{os.getuid()}"))
        self.node.restart()
        self.assertEqual(self.node.verify(self.key["value"])["code"], "VALID")
        self.node.stop()
        self.assert_rebuilt_alike()

    def test_without_a_node_it_is_done_by_the_command(self):
        position = append_raw(self.data, self.event())
        answer = self.quarantine(position)
        self.assertIsNone(answer["halted"])
        self.assertIn("not halted", self.quarantine(position, expect=1))
        self.assert_rebuilt_alike()
        self.node.start()
        self.assertEqual(self.ready().status, 200)
        self.assertEqual(self.node.verify(self.key["value"])["code"], "DISABLED")

    def test_a_command_of_several_events_is_passed_over_as_a_whole(self):
        run_of_three = [self.event(version, commandplace=f"{place}/3") for place, version in ((1, 2), (2, 3), (3, 9))]
        position = self.halt(*run_of_three, "garbage")
        answer = self.quarantine(position)
        self.assertEqual(answer["quarantined"], {"first": position, "last": position + 2})
        # What comes behind it is another matter.
        self.assertEqual(answer["halted"]["position"], position + 3)
        self.assertEqual(self.quarantine(position + 3)["key"], None)
        self.wait_until_ready()
        self.assertEqual(self.node.get(self.path, token=self.token).json["version"], 9)
        self.node.stop()
        self.assert_rebuilt_alike()

    def test_what_is_left_of_an_event_tells_the_key(self):
        text = json.dumps(self.event(5), separators=(",", ":"))
        position = self.halt(text[:text.index('"data"')])
        self.assertEqual(self.quarantine(position)["key"], self.key["id"])
        self.wait_until_ready()
        self.assertEqual(self.node.verify(self.key["value"])["code"], "DISABLED")

    def test_replay_shows_what_can_not_be_read_and_fails_until_it_is_quarantined(self):
        position = append_raw(self.data, "gar\"bage")
        printed = subprocess.run([KEYLEDGER, "replay", "--data-dir", str(self.data)], check=False, timeout=DEADLINE,
                                 capture_output=True, text=True)
        self.assertEqual((printed.returncode, json.loads(printed.stdout.splitlines()[-1])),
                         (1, {"position": position, "unreadable": "gar\"bage"}))
        self.assertIn(f"position {position}: ", printed.stderr)
        self.quarantine(position)
        lines = [json.loads(line) for line in run("replay", "--data-dir", self.data)[0].splitlines()]
        self.assertEqual([line.get("type") for line in lines[-2:]], [None, "keyledger.EventQuarantined"])

    def test_only_what_it_is_halted_at_can_be_quarantined(self):
        self.node.start()
        self.assertIn("not halted", self.quarantine(3, expect=1))
        self.node.stop()
        position = self.halt()
        for other in (1, position - 1, position + 1, 10**9):
            self.assertIn(f"position {position}", self.quarantine(other, expect=1))
        self.assertEqual(json.loads(run("log", "status", "--data-dir", self.data)[0])["end"], position)

    def test_misuse_is_refused(self):
        quarantine = ("projection", "quarantine")
        for arguments in (("x", "--reason", "a"), ("0", "--reason", "a"), ("-1", "--reason", "a"), ("3",),
                          ("--reason", "a"), ("3", "--reason", ""), ("3", "--reason", "x" * 501),
                          ("3", "--reason", "a\nb")):
            run(*quarantine, *arguments, "--data-dir", self.data, expect=2)
        nowhere = self.work / "nowhere"
        self.assertIn("--data-dir", run(*quarantine, 3, "--reason", "a", "--data-dir", nowhere, expect=1)[1])
        self.assertFalse(nowhere.exists())

    def test_an_election_is_not_passed_over_with_all_that_rests_on_it(self):
        events = [json.loads(line) for line in run("replay", "--data-dir", self.data)[0].splitlines()]
        election = {**[event for event in events if event["type"] == "keyledger.WriterElected"][-1],
                    "id": "01M86VC2Q00000000000000098", "dataschema": "urn:keyledger:schema:WriterElected:9"}
        del election["position"]
        position = append_raw(self.data, election, self.event(2, term=election["id"]))
        self.assertIn("under a term that began here", self.quarantine(position, expect=1))

    def test_the_first_event_that_is_bad_ends_the_start(self):
        other = self.work / "other"
        shutil.copytree(self.data, other)
        shutil.rmtree(other / "log")
        shutil.rmtree(other / "read-model")
        append_raw(other, "garbage")
        _, said = run("serve", "--data-dir", other, "--listen", "127.0.0.1:0", expect=1)
        self.assertIn("position 1: ", json.loads(said.splitlines()[-1])["error"])


class AdminSocket(NodeTest):
    def setUp(self):
        super().setUp()
        self.socket = self.node.data_dir / "admin.sock"

    def ask(self, data):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DEADLINE)
            connection.connect(str(self.socket))
            connection.sendall(data)
            return connection.makefile("rb").readline()

    def test_is_its_owners_alone_and_gone_after_a_stop(self):
        mode = self.socket.lstat().st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.node.stop()
        self.assertFalse(self.socket.exists())

    def test_answers_nonsense_with_an_error_and_goes_on(self):
        for line in (b"\n", b"{\n", b"[]\n", b"{}\n", b'{"command":"quarantine"}\n', b'{"command":7}\n', b"\xff\n",
                     b'{"command":"quarantine","position":-1,"reason":"a"}\n', b'{"command":"drop"}\n',
                     b'{"command":"quarantine","position":3,"reason":""}\n',
                     b'{"command":"backup","directory":"relative"}\n', b"x" * 100_000 + b"\n"):
            self.assertIn("error", json.loads(self.ask(line)), line[:60])
        self.assertEqual(self.node.get("/healthz").status, 200)

    def test_a_silent_client_does_not_stop_the_node(self):
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(self.socket))
            self.node.stop()

    def test_one_that_a_killed_node_left_is_replaced(self):
        self.node.kill()
        self.assertTrue(self.socket.exists())
        run("log", "backup", self.work / "without-a-node", "--data-dir", self.node.data_dir)
        self.node.start()
        self.assertIn("error", json.loads(self.ask(b"{}\n")))

    def test_is_reached_however_long_the_path_is(self):
        data = self.work / ("d" * 100) / ("e" * 100)
        with Node(data):
            copied = json.loads(run("log", "backup", self.work / "copy", "--data-dir", data)[0])
            self.assertEqual(copied["position"], 2)
        self.assertFalse((data / "admin.sock").exists())


if __name__ == "__main__":
    unittest.main()
