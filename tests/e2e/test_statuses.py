"""What every operation refuses: who asks, how, and what they would take for an answer."""

import unittest

from node import ALL_SCOPES, SharedNodeTest
from operations import AUDITS, MANAGED, MISSING_KEY, OPERATIONS, WITH_BODY

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]


def without_instance(problem):
    return {name: value for name, value in problem.items() if name != "instance"}


class Refusals(SharedNodeTest):
    def setUp(self):
        super().setUp()
        self.key = self.create()["id"]

    def ask(self, operation, account=None, key=None, **kwargs):
        audits = operation in AUDITS
        kwargs.setdefault("token", self.node.token(self.account, scope=ALL_SCOPES) if audits else self.token)
        kwargs.setdefault("body", operation.body)
        path = kwargs.pop("path", None) or operation.path(account or self.account, key or self.key)
        return self.node.request(operation.method, path + kwargs.pop("query", ""), **kwargs)

    def for_each(self, operations, check):
        self.assertTrue(operations)
        for operation in operations:
            with self.subTest(operation.id):
                check(operation)

    def test_without_a_good_token_it_is_401_and_says_which_credential_is_wanted(self):
        good = self.token.split(".")
        forged = ".".join([*good[:2], good[2][::-1]])
        credentials = [None, "", "Bearer", "Bearer ", "Bearer x.y.z", f"Bearer {forged}", f"Basic {self.token}",
                       self.token, f"Bearer {good[0]}.{good[1]}."]

        def check(operation):
            for credential in credentials:
                headers = {} if credential is None else {"Authorization": credential}
                answer = self.ask(operation, token=None, headers=headers)
                self.assertEqual((answer.status, answer.headers.get("www-authenticate")),
                                 (401, 'Bearer realm="keyledger"'), credential)

        self.for_each([*MANAGED, *AUDITS], check)
        self.assertEqual(len(self.events()), 2)  # The account and the key, and nothing since.

    def test_a_token_of_another_account_sees_nothing_that_a_missing_key_would_not_show_it(self):
        foreign = self.node.token("somebody-else")

        def check(operation):
            theirs = self.ask(operation, token=foreign)
            missing = self.ask(operation, token=foreign, key=MISSING_KEY)
            self.assertEqual((theirs.status, missing.status), (404, 404))
            self.assertEqual(without_instance(theirs.json), without_instance(missing.json))
            if operation.is_about_a_key:
                own_missing = self.ask(operation, key=MISSING_KEY)
                other_accounts = self.ask(operation, token=foreign, account="somebody-else")
                for answer in (own_missing, other_accounts):
                    self.assertEqual(answer.status, 404)
                    self.assertEqual(without_instance(answer.json), without_instance(theirs.json))

        self.for_each(MANAGED, check)

    def test_accounts_any_reaches_another_accounts_keys(self):
        anybody = self.node.token("somebody-else", scope=ALL_SCOPES)
        self.for_each([one for one in MANAGED if one.id != "deleteKey"],
                      lambda operation: self.assertLess(self.ask(operation, token=anybody).status, 300))

    def test_without_the_scope_that_it_needs_it_is_403(self):
        def check(operation):
            rest = " ".join(set(ALL_SCOPES.split()) - {operation.scope})
            answer = self.ask(operation, token=self.node.token(self.account, scope=rest))
            self.assertEqual(answer.status, 403)
            self.assertIn(operation.scope, answer.json["detail"])

        self.for_each(MANAGED, check)
        self.assertEqual(len(self.events()), 2)

    def test_with_no_scope_but_the_one_that_it_needs_it_is_done(self):
        self.for_each(MANAGED, lambda operation: self.assertLess(
            self.ask(operation, token=self.node.token(self.account, scope=operation.scope)).status, 300))

    def test_another_method_is_405_and_says_which_there_are(self):
        templates = {operation.template for operation in OPERATIONS if operation.id != "forwardAuth"}
        for template in sorted(templates):
            here = [operation for operation in OPERATIONS if operation.template == template]
            allowed = {operation.method for operation in here} | ({"HEAD"} if any(o.method == "GET" for o in here)
                                                                  else set())
            for method in set(METHODS) - allowed:
                with self.subTest(f"{method} {template}"):
                    answer = self.node.request(method, here[0].path(self.account, self.key), token=self.token)
                    self.assertEqual(answer.status, 405)
                    self.assertEqual(set(answer.headers["allow"].split(", ")), allowed)

    def test_a_form_that_there_is_not_is_406(self):
        may_refuse = [operation for operation in OPERATIONS if 406 in operation.statuses]

        def check(operation):
            for accept in ("image/png", "application/json;q=0, text/html", "text/plain, image/*"):
                self.assertEqual(self.ask(operation, headers={"Accept": accept}).status, 406, accept)
            for accept in ("application/json", "*/*", "application/*;q=0.1", "image/png, */*;q=0.1"):
                self.assertLess(self.ask(operation, headers={"Accept": accept}).status, 300, accept)

        self.for_each(may_refuse, check)

    def test_a_body_of_another_type_is_415(self):
        types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                 "application/json; charset=iso-8859-1", "application/jsonp", ""]

        def check(operation):
            for media_type in types + ([] if operation.id == "changeKey" else ["application/merge-patch+json"]):
                answer = self.ask(operation, headers={"Content-Type": media_type})
                self.assertEqual(answer.status, 415, media_type)
            headers = {"Content-Type": 'Application/JSON; charset="UTF-8"'}
            self.assertLess(self.ask(operation, headers=headers).status, 300)

        self.for_each(WITH_BODY, check)

    def test_a_delete_with_a_body_that_a_form_could_send_is_415(self):
        path = f"{self.keys}/{self.key}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        refused = self.node.delete(path, body="reason=x", headers=headers, token=self.token)
        self.assertEqual(refused.status, 415)
        self.assertEqual(self.node.delete(path, body={}, token=self.token).status, 204)

    def test_a_page_of_another_origin_is_403_where_it_could_change_or_learn_something(self):
        own = f"http://{self.node.host}:{self.node.port}"
        foreign = ["https://evil.example", "null", f"{own}.evil.example", f"http://{self.node.host}", own + "/"]

        def check(operation):
            for origin in foreign:
                answer = self.ask(operation, headers={"Origin": origin})
                if operation.method == "GET":
                    self.assertLess(answer.status, 402, origin)
                    self.assertNotIn("access-control-allow-origin", answer.headers)
                else:
                    self.assertEqual(answer.status, 403, origin)
            self.assertLess(self.ask(operation, headers={"Origin": own}).status, 402)

        # A proxy passes its client's Origin on to forward-auth, for any method.
        self.for_each([one for one in OPERATIONS if one.id != "forwardAuth"], check)
        key = self.create()["value"]
        answer = self.node.post("/v1/forward-auth", headers={"X-API-Key": key, "Origin": "https://app.example"})
        self.assertEqual(answer.status, 200)

    def test_what_is_at_no_path_is_404(self):
        for path in ("/v1", "/v1/", "/v1/verify/", "/V1/verify", "/v1//verify", "/v2/verify", "/v1/accounts",
                     "/v1/accounts/", f"{self.keys}/", f"{self.keys}/{self.key}/", f"/{self.keys}", "/openapi.json",
                     f"{self.keys}/{self.key}/reveal/x", "/healthz/", "/index.html", "/%2e%2e/etc/passwd"):
            for method in ("GET", "POST", "BREW"):
                with self.subTest(f"{method} {path}"):
                    answer = self.node.request(method, path, token=self.token)
                    self.assertEqual((answer.status, answer.json["type"]), (404, "urn:keyledger:problem:not-found"))

    def test_what_is_no_account_or_key_id_is_404(self):
        for path in ("/v1/accounts/a%2Fb/keys", "/v1/accounts/%FF/keys", "/v1/accounts/%zz/keys",
                     f"/v1/accounts/{'a' * 65}/keys", f"/v1/accounts/{self.account}%00/keys", f"{self.keys}/x",
                     f"{self.keys}/{self.key.lower()}", f"{self.keys}/{self.key}0", f"{self.keys}/key_"):
            with self.subTest(path):
                self.assertEqual(self.node.get(path, token=self.token).status, 404)
        encoded = self.keys.replace("-", "%2D")
        self.assertEqual(self.node.get(encoded, token=self.token).status, 200)

    def test_an_unknown_or_repeated_or_ill_formed_query_parameter_is_400(self):
        def check(operation):
            for query in ("?verbose=1", "?limits=1", "?min_position=0&min_position=0", "?min_position=%zz",
                          "?%FF=1", "?min_position=", "?min_position=x", "?min_position=-1",
                          "?min_position=18446744073709551616"):
                self.assertEqual(self.ask(operation, query=query).status, 400, query)
            self.assertLess(self.ask(operation, query="?min_position=1&").status, 300)

        self.for_each([one for one in OPERATIONS if one.template.startswith("/v1/") and one.id != "forwardAuth"], check)

    def test_head_is_get_without_the_body(self):
        gets = [one for one in OPERATIONS if one.method == "GET" and one.id != "forwardAuth"]
        changing = {"date", "x-request-id", "content-length"}

        def check(operation):
            path = operation.path(self.account, self.key)
            token = self.node.token(self.account, scope=ALL_SCOPES) if operation in AUDITS else self.token
            get = self.node.get(path, token=token)
            head = self.node.request("HEAD", path, token=token)
            self.assertEqual((get.status, head.status, head.body), (200, 200, b""))
            self.assertEqual({name: value for name, value in head.headers.items() if name not in changing},
                             {name: value for name, value in get.headers.items() if name not in changing})
            if operation.id != "getMetrics":
                self.assertEqual(head.headers["content-length"], str(len(get.body)))
            self.assertEqual(self.node.request("HEAD", path + "x/y/z", token=token).status, 404)

        self.for_each(gets, check)


class RequestIds(SharedNodeTest):
    def test_a_well_formed_one_is_given_back_and_is_the_problems_instance(self):
        for request_id in ("a", "9f2c-1", "A.b_c-d", "x" * 64):
            for path, status in (("/healthz", 200), ("/nowhere", 404), (self.keys, 401)):
                answer = self.node.get(path, headers={"X-Request-Id": request_id})
                self.assertEqual((answer.status, answer.headers["x-request-id"]), (status, request_id))

    def test_an_ill_formed_one_is_replaced_by_another_each_time(self):
        seen = set()
        for request_id in ("x" * 65, "a b", "a/b", "a;b", "\u00e9", "", '"a"'):
            answer = self.node.get("/nowhere", headers={"X-Request-Id": request_id.encode()})
            self.assertNotEqual(answer.headers["x-request-id"], request_id)
            seen.add(answer.headers["x-request-id"])
        self.assertEqual(len(seen), 7)

    def test_every_answer_has_a_position(self):
        for path in ("/healthz", "/metrics", "/openapi.yaml", "/nowhere", "/v1/forward-auth", self.keys):
            self.assertGreaterEqual(self.node.get(path).position, 2, path)


if __name__ == "__main__":
    unittest.main()
