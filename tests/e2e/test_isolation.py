"""Nobody sees or changes what is another account's, on any route, and nobody learns that it is there."""

import unittest

from node import ALL_SCOPES, SharedNodeTest
from operations import AUDITS, MANAGED, MISSING_KEY, OPERATIONS
from test_sessions import path_of

OPEN = {"verify", "verifyBatch", "forwardAuth", "getHealth", "getReadiness", "getMetrics", "getOpenapi"}
CHANGING = {"PUT", "POST", "PATCH", "DELETE"}


class Isolation(SharedNodeTest):
    FLAGS = ("--page-account", "stranger", "--page-username", "stranger@example.com")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cookie = cls.node.get(path_of(cls.node.sign_in_link())).headers["set-cookie"].split(";")[0]
        cls.csrf = cls.node.get("/v1/session", headers={"Cookie": cls.cookie}).json["csrf_token"]

    def setUp(self):
        super().setUp()
        self.key = self.create()["id"]
        self.stranger = self.node.token("stranger", "stranger@example.com", scope=ALL_SCOPES.replace(
            " accounts:any", ""))
        self.before = self.node.get("/healthz").position
        self.assertEqual({one.id for one in OPERATIONS if not one.scope}, OPEN)

    def tearDown(self):
        self.assertEqual(self.node.get("/healthz").position, self.before, "something was written")
        super().tearDown()

    def ask(self, operation, account=None, key=None, **headers):
        """All of an answer that its asker can tell apart: two are alike where these are equal."""
        content = {"Content-Type": "application/json"} if operation.body is not None else {}
        answer = self.node.request(operation.method, operation.path(account or self.account, key or self.key),
                                   operation.body, headers={**content, "X-Request-Id": "the-same", **headers})
        return answer.status, {name: value for name, value in answer.headers.items() if name != "date"}, answer.body

    def for_each(self, check):
        for operation in MANAGED:
            with self.subTest(operation.id):
                check(operation)

    def test_without_a_credential_that_holds_every_route_is_401_whatever_is_there(self):
        header, claims, signature = self.token.split(".")
        credentials = [{}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {header}.{claims}."},
                       {"Authorization": f"Bearer {header}.{claims}.{signature[::-1]}"},
                       {"Cookie": "keyledger_session=" + "A" * 43, "Keyledger-CSRF": self.csrf}]

        def check(operation):
            for headers in credentials:
                there = self.ask(operation, **headers)
                self.assertEqual(there[0], 401, headers)
                self.assertEqual(there, self.ask(operation, key=MISSING_KEY, **headers))
                self.assertEqual(there, self.ask(operation, account="nobody", key=MISSING_KEY, **headers))

        self.for_each(check)

    def test_what_is_not_yours_and_what_is_not_there_are_byte_for_byte_alike(self):
        page = {"Cookie": self.cookie, "Keyledger-CSRF": self.csrf}

        def check(operation):
            for headers in ({"Authorization": f"Bearer {self.stranger}"}, page):
                not_yours = self.ask(operation, **headers)
                self.assertEqual(not_yours[0], 404)
                for account, key in ((self.account, MISSING_KEY), ("nobody", self.key), ("nobody", MISSING_KEY),
                                     ("no%20account", self.key)):
                    self.assertEqual(self.ask(operation, account, key, **headers), not_yours, (account, key))
                if operation.is_about_a_key:  # Somebody else's key under the caller's own account.
                    self.assertEqual(self.ask(operation, "stranger", self.key, **headers),
                                     self.ask(operation, "stranger", MISSING_KEY, **headers))
                    self.assertEqual(self.ask(operation, "stranger", self.key, **headers)[0], 404)

        self.for_each(check)

    def test_a_session_changes_nothing_without_its_csrf_token_not_even_its_own_account(self):
        def check(operation):
            for account in (self.account, "stranger"):
                status = self.ask(operation, account, Cookie=self.cookie)[0]
                if operation.method in CHANGING:
                    self.assertEqual(status, 403)
                else:
                    self.assertIn(status, (404,) if account == self.account else (200, 404))

        self.for_each(check)

    def test_each_scope_that_is_missing_is_403_and_no_other_scope_stands_in_for_it(self):
        def check(operation):
            rest = " ".join(set(ALL_SCOPES.split()) - {operation.scope})
            headers = {"Authorization": f"Bearer {self.node.token(self.account, scope=rest)}"}
            there = self.ask(operation, **headers)
            self.assertEqual(there[0], 403)
            self.assertIn(operation.scope.encode(), there[2])
            self.assertEqual(there, self.ask(operation, key=MISSING_KEY, **headers))
            alone = self.node.token("stranger", scope=operation.scope)
            self.assertEqual(self.ask(operation, Authorization=f"Bearer {alone}")[0], 404)
            none = self.node.token("stranger", scope="keys:verify")  # Not even which scope would do is told.
            self.assertEqual(self.ask(operation, Authorization=f"Bearer {none}")[0], 404)

        self.for_each(check)

    def test_the_whole_logs_routes_tell_nobody_what_is_anothers(self):
        event = self.events()[-1]["position"]
        self.assertEqual({operation.id for operation in AUDITS}, {"getCheckpoint", "getTile", "getEventProof"})
        page = {"Cookie": self.cookie}
        for headers in ({"Authorization": f"Bearer {self.stranger}"}, page):
            for path in ("/tlog/checkpoint", "/tlog/tile/0/000", "/tlog/tile/entries/000.p/1"):
                self.assertEqual(self.node.get(path, headers=headers).status, 403, path)
            answers = [self.node.get(f"/v1/events/{position}/proof", headers={**headers, "X-Request-Id": "the-same"})
                       for position in (event, event + 1000)]
            self.assertEqual({answer.status for answer in answers}, {404})
            self.assertEqual(answers[0].body, answers[1].body)
            feeds = [self.node.get(f"/v1/events?account={account}", headers={**headers, "X-Request-Id": "the-same"})
                     for account in (self.account, "nobody", "no%20account")]
            self.assertEqual({answer.status for answer in feeds}, {404})
            self.assertEqual(len({answer.body for answer in feeds}), 1)
        for path in ("/tlog/checkpoint", "/tlog/tile/0/000", f"/v1/events/{event}/proof", "/v1/events"):
            self.assertEqual(self.node.get(path).status, 401, path)
            self.assertEqual(self.node.get(path, token="x").status, 401, path)

    def test_no_list_cursor_or_trail_leads_into_another_account(self):
        for _ in range(3):
            self.create()
        self.before = self.node.get("/healthz").position
        stranger = {"Authorization": f"Bearer {self.stranger}"}
        cursor = self.node.get(f"{self.keys}?limit=1", token=self.token).json["next_cursor"]
        answer = self.node.get(f"/v1/accounts/stranger/keys?limit=1&cursor={cursor}", headers=stranger)
        self.assertEqual(answer.status, 400)
        for path in ("keys?limit=1000", f"keys?q={self.key}", "events?limit=1000", f"keys?as_of={self.before}"):
            answer = self.node.get(f"/v1/accounts/stranger/{path}", headers=stranger)
            self.assertNotIn(self.key.encode(), answer.body, path)
            self.assertIn(answer.status, (200, 404), path)


if __name__ == "__main__":
    unittest.main()
