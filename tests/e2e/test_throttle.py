"""Throttling of failures: who gives too many credentials that don't hold, and who is never in its way."""

import json
import unittest

from node import ADA, NodeTest, basic, eventually, with_checksum
from test_sessions import path_of

WRONG = with_checksum("kl_" + "0" * 43)
LIMIT = 5


class ThrottleTest(NodeTest):
    def setUp(self):
        super().setUp()
        self.key = self.node.create(self.token)["value"]

    def sign_in(self, key=WRONG, **headers):
        return self.node.get("/v1/forward-auth", headers={"Authorization": basic(ADA, key), **headers})

    def statuses(self, count=LIMIT + 3, **headers):
        return [self.sign_in(**headers).status for _ in range(count)]


class Off(ThrottleTest):
    def test_nothing_is_throttled_unless_it_is_asked_for(self):
        self.assertEqual(set(self.statuses(60)), {401})


class Direct(ThrottleTest):
    FLAGS = ("--throttle-failures", f"{LIMIT}/min")

    def test_failures_over_the_limit_are_429_and_a_good_key_is_never_refused(self):
        self.assertEqual(self.statuses(), [401] * LIMIT + [429] * 3)
        refused = self.sign_in()
        self.assertEqual(refused.json["type"], "urn:keyledger:problem:too-many-failures")
        self.assertIn(int(refused.headers["retry-after"]), range(1, 61))
        self.assertEqual(self.sign_in(self.key).status, 200)
        self.assertEqual(self.sign_in("garbage").status, 429)
        self.assertEqual(self.node.get("/v1/accounts/acme/keys", token=self.token).status, 200)
        self.assertEqual(self.node.get("/v1/accounts/acme/keys", token="x").status, 429)
        self.assertEqual(self.node.get("/sign-in?token=x").status, 429)
        self.assertEqual(self.node.get(path_of(self.node.sign_in_link())).status, 303)
        self.assertIn("\nkeyledger_throttled_total 7\n", self.node.get("/metrics").body.decode())

    def test_who_gives_no_credential_is_asked_for_one_and_not_counted(self):
        for _ in range(3 * LIMIT):
            answer = self.node.get("/v1/forward-auth")
            self.assertEqual((answer.status, answer.headers["www-authenticate"].split()[0]), (401, "Basic"))
            self.assertEqual(self.node.get("/v1/session").status, 401)
        self.assertEqual(self.statuses()[:LIMIT], [401] * LIMIT)

    def test_validation_for_services_is_never_touched(self):
        self.statuses()
        for _ in range(3 * LIMIT):
            self.assertEqual(self.node.verify(WRONG)["code"], "NOT_FOUND")
            batch = self.node.post("/v1/verify/batch", {"keys": [{"key": WRONG}] * 10})
            self.assertEqual(batch.status, 200)

    def test_nobody_but_a_named_proxy_says_who_the_client_is(self):
        answers = [self.sign_in(**{"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}).status
                   for number in range(LIMIT + 3)]
        self.assertEqual(answers, [401] * LIMIT + [429] * 3)


class BehindAProxy(ThrottleTest):
    FLAGS = ("--throttle-failures", f"{LIMIT}/min", "--trusted-proxy", "10.0.0.0/8,127.0.0.1")

    def test_each_end_client_is_counted_by_itself(self):
        self.assertEqual(self.statuses(**{"X-Forwarded-For": "192.0.2.1"}), [401] * LIMIT + [429] * 3)
        self.assertEqual(self.statuses(LIMIT, **{"X-Forwarded-For": "192.0.2.2"}), [401] * LIMIT)
        # What a client puts before its own address changes nothing.
        self.assertEqual(self.statuses(3, **{"X-Forwarded-For": "198.51.100.7, 192.0.2.1, 10.1.2.3"}), [429] * 3)
        self.assertEqual(self.sign_in(self.key, **{"X-Forwarded-For": "192.0.2.1"}).status, 200)

    def test_a_client_that_the_proxy_does_not_name_is_not_counted(self):
        self.assertEqual(set(self.statuses(3 * LIMIT)), {401})
        self.assertEqual(set(self.statuses(3 * LIMIT, **{"X-Forwarded-For": "unknown"})), {401})

    def test_a_flood_of_addresses_is_borne(self):
        for number in range(2000):
            address = f"203.0.{number // 250}.{number % 250}"
            self.assertEqual(self.sign_in(**{"X-Forwarded-For": address}).status, 401)
        self.assertEqual(self.statuses(**{"X-Forwarded-For": "192.0.2.9"}), [401] * LIMIT + [429] * 3)

    def test_the_trail_has_the_end_clients_address_and_the_cookie_what_it_speaks(self):
        self.node.post("/v1/accounts/acme/keys", {"name": "b"}, token=self.token,
                       headers={"X-Forwarded-For": "198.51.100.7, 192.0.2.1"})
        event = self.node.get("/v1/accounts/acme/events?order=desc", token=self.token).json["events"][0]
        self.assertEqual(event["data"]["actor"]["address"], "192.0.2.1")
        link = path_of(self.node.sign_in_link())
        cookie = self.node.get(link, headers={"X-Forwarded-Proto": "https"}).headers["set-cookie"]
        self.assertTrue(cookie.endswith("; Secure"), cookie)


class LogsBehindAProxy(NodeTest):
    FLAGS = ("--trusted-proxy", "127.0.0.1", "--log-level", "debug")

    def lines(self, message, request_id):
        """The log's lines with this message, about this request."""
        def found():
            lines = [json.loads(line) for line in self.node.log]
            return [line for line in lines if line["message"] == message and line.get("request_id") == request_id]
        return eventually(found, f"the log says {message} of {request_id}")

    def test_every_line_has_the_end_clients_address(self):
        link = path_of(self.node.sign_in_link())
        for number, (message, path, status) in enumerate((
                ("signed in", link, 303), ("sign-in refused", "/sign-in?token=x", 401),
                ("credential refused", "/v1/forward-auth", 401), ("request", "/v1/session", 401))):
            about = {"X-Request-Id": f"r{number}", "X-Forwarded-For": "198.51.100.7, 192.0.2.1"}
            if path == "/v1/forward-auth":
                about["Authorization"] = basic(ADA, WRONG)
            answer = self.node.get(path, headers=about)
            self.assertEqual(answer.status, status, path)
            if status == 303:
                cookie = answer.headers["set-cookie"].split(";")[0]
            for said in (message, "request"):
                self.assertEqual({line["address"] for line in self.lines(said, f"r{number}")}, {"192.0.2.1"}, said)
        csrf = self.node.get("/v1/session", headers={"Cookie": cookie}).json["csrf_token"]
        self.node.delete("/v1/session", headers={"Cookie": cookie, "Keyledger-CSRF": csrf, "X-Request-Id": "out",
                                                 "X-Forwarded-For": "192.0.2.1"})
        self.assertEqual(self.lines("signed out", "out")[0]["address"], "192.0.2.1")

    def test_where_the_proxy_names_nobody_it_is_the_proxys(self):
        self.node.get("/v1/forward-auth", headers={"Authorization": basic(ADA, WRONG), "X-Request-Id": "nobody"})
        self.assertEqual(self.lines("credential refused", "nobody")[0]["address"], "127.0.0.1")


if __name__ == "__main__":
    unittest.main()
