"""Whatever a caller writes into names, descriptions, reasons, user agents and usernames stays data for who reads it."""

import csv
import io
import json
import unittest
import urllib.parse

from node import NodeTest, basic

HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "</textarea><svg onload=x>",
    "=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1+1", "\uff20SUM(A1)", "a,b", "a;=1+1", "a\"b", "a'b", "\"", "''", "\\", "\\n",
    "{\"level\":\"error\"}", "\u2028\u2029", "\u202egnp.exe", "%0d%0aX-Keyledger-Account: other", "${jndi:ldap://x/}",
    "$(id)", "{{7*7}}", "%s%n", "../../etc/passwd", "\ufeff", "\u00e9\U0001f600",
]


class Hostile(NodeTest):
    FLAGS = ("--log-level", "debug")

    def setUp(self):
        super().setUp()
        self.made = []
        for text in HOSTILE:
            agent = text.encode("utf-8").decode("latin-1")
            answer = self.node.post("/v1/accounts/acme/keys", {"name": text, "description": text}, token=self.token,
                                    headers={"User-Agent": agent})
            self.assertEqual(answer.status, 201, (text, answer))
            self.made.append(answer.json)
            key = f"/v1/accounts/acme/keys/{answer.json['id']}"
            reason = {"enabled": False, "reason": text}
            self.assertEqual(self.node.patch(key, reason, token=self.token, headers={"User-Agent": agent}).status, 200)

    def test_json_gives_back_exactly_what_was_written(self):
        listed = self.node.get("/v1/accounts/acme/keys?limit=1000", token=self.token)
        self.assertEqual([(key["name"], key["description"]) for key in listed.json["keys"]],
                         [(text, text) for text in HOSTILE])
        self.assertEqual((listed.headers["content-type"], listed.headers["x-content-type-options"]),
                         ("application/json", "nosniff"))

    def test_a_csv_has_a_cell_for_each_text_and_no_formula(self):
        answer = self.node.get("/v1/accounts/acme/events?limit=1000", token=self.token, headers={"Accept": "text/csv"})
        self.assertIn("attachment", answer.headers["content-disposition"])
        rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
        created = [row for row in rows if row["type"] == "keyledger.KeyCreated"]
        disabled = [row for row in rows if row["type"] == "keyledger.KeyDisabled"]
        for texts in ([row["name"] for row in created], [row["description"] for row in created],
                      [row["reason"] for row in disabled], [row["actor_user_agent"] for row in created]):
            for text, cell in zip(HOSTILE, texts, strict=True):
                self.assertIn(cell, (text, "'" + text))
                self.assertNotIn(cell[:1], tuple("=+-@\uff1d\uff0b\uff0d\uff20"))

    def test_ndjson_and_the_log_have_one_object_a_line(self):
        answer = self.node.get("/v1/accounts/acme/events?limit=1000", token=self.token,
                               headers={"Accept": "application/x-ndjson"})
        events = [json.loads(line) for line in answer.body.split(b"\n") if line]
        self.assertEqual([event["data"]["name"] for event in events if event["type"] == "keyledger.KeyCreated"],
                         HOSTILE)
        for text in HOSTILE:
            self.node.get("/v1/forward-auth/" + urllib.parse.quote(text),
                          headers={"Authorization": basic(text.replace(":", ""), text), "X-Request-Id": text.encode(),
                                   "Traceparent": text.encode(), "User-Agent": text.encode()}, check=False)
            self.node.get("/" + urllib.parse.quote(text), check=False)
        self.node.stop()
        self.assertGreater(len(self.node.log), len(HOSTILE))
        for line in self.node.log:
            entry = json.loads(line)
            self.assertEqual(list(entry)[:3], ["time", "level", "message"], line)

    def test_a_proxys_headers_hold_nothing_but_one_value_each(self):
        for text in ("a%b@example.com", "\u00e9\u2028@example.com", "\"x\"@example.com", "a, b@example.com"):
            self.assertEqual(self.node.put("/v1/accounts/acme", {"username": text}, token=self.token).status, 200)
            for key in self.made:
                path = f"/v1/accounts/acme/keys/{key['id']}"
                self.node.patch(path, {"enabled": True}, token=self.token)
                answer = self.node.get("/v1/forward-auth", headers={"X-API-Key": key["value"]})
                self.assertEqual(answer.headers["x-keyledger-account"], "acme")
                self.assertTrue(answer.headers["x-keyledger-key-name"].isascii())
                self.assertEqual(urllib.parse.unquote(answer.headers["x-keyledger-key-name"]), key["name"])
                self.assertEqual(urllib.parse.unquote(answer.headers["x-keyledger-username"]), text)


if __name__ == "__main__":
    unittest.main()
