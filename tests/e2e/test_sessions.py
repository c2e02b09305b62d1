"""Signing in by the link that serve prints, what a session may do, and how it ends."""

import json
import re
import unittest
import urllib.parse

from node import ADA, NodeTest, run

COOKIE = re.compile(r"keyledger_session=([A-Za-z0-9_-]{43}); Path=/; HttpOnly; SameSite=Strict")
KEYS = "/v1/accounts/local/keys"


def path_of(link):
    parts = urllib.parse.urlsplit(link)
    return f"{parts.path}?{parts.query}"


class Sessions(NodeTest):
    def sign_in(self, link=None, cookie=None):
        """Follows a link, and gives back the Cookie header of the session that it begins."""
        answer = self.node.get(path_of(link or self.fresh_link()), headers={"Cookie": cookie} if cookie else {})
        self.assertEqual((answer.status, answer.headers["location"], answer.body), (303, "/", b""))
        found = COOKIE.fullmatch(answer.headers["set-cookie"])
        self.assertTrue(found, answer)
        return f"keyledger_session={found[1]}"

    def fresh_link(self):
        printed, said = run("sign-in", "--data-dir", self.node.data_dir)
        self.assertEqual(said, "")
        return printed.strip()

    def session(self, cookie, **kwargs):
        return self.node.get("/v1/session", headers={"Cookie": cookie}, **kwargs)

    def as_page(self, cookie):
        """The headers of what a page sends that changes something."""
        return {"Cookie": cookie, "Keyledger-CSRF": self.session(cookie).json["csrf_token"],
                "Origin": f"http://{self.node.host}:{self.node.port}"}

    def test_the_link_that_serve_prints_signs_in_once(self):
        link = self.node.sign_in_link()
        self.assertTrue(link.startswith(f"http://{self.node.host}:{self.node.port}/sign-in?token="), link)
        head = self.node.request("HEAD", path_of(link))  # Who looks where it leads doesn't use it up.
        self.assertEqual((head.status, "set-cookie" in head.headers), (303, False))
        cookie = self.sign_in(link)
        self.assertNotIn(cookie.split("=")[1], link)
        shown = self.session(cookie).json
        self.assertEqual({name: shown[name] for name in shown if name != "csrf_token"},
                         {"account": "local", "username": "owner@localhost", "values": "recoverable", "replicas": 0,
                          "scopes": ["keys:read", "keys:write", "keys:reveal", "audit:read", "events:read",
                                     "accounts:write"]})
        again = self.node.get(path_of(link))
        self.assertEqual((again.status, "set-cookie" in again.headers), (401, False))
        page = self.node.get(path_of(link), headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        self.assertEqual((page.status, page.headers["content-type"]), (401, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", page.headers["content-security-policy"])
        self.assertEqual(self.session(cookie).status, 200)

    def test_a_wrong_link_signs_nobody_in(self):
        link = path_of(self.fresh_link())
        for path in ("/sign-in?token=", "/sign-in?token=x", link + "x", link[:-1], link.replace("token=", "token=%00")):
            answer = self.node.get(path)
            self.assertEqual((answer.status, "set-cookie" in answer.headers), (401, False), path)
        for path in ("/sign-in", f"{link}&{link.partition('?')[2]}", f"{link}&next=//evil.example"):
            self.assertEqual(self.node.get(path).status, 400, path)
        self.sign_in(link)

    def test_the_owner_manages_keys_by_a_session(self):
        cookie = self.sign_in()
        page = self.as_page(cookie)
        made = self.node.post(KEYS, {"name": "a key"}, headers=page)
        self.assertEqual(made.status, 201, made)
        key = f"{KEYS}/{made.json['id']}"
        self.assertEqual(self.node.get(KEYS, headers={"Cookie": cookie}).json["keys"][0]["id"], made.json["id"])
        self.assertEqual(self.node.post(f"{key}/reveal", headers=page).json["value"], made.json["value"])
        self.assertEqual(self.node.patch(key, {"enabled": False}, headers=page).status, 200)
        self.assertEqual(self.node.delete(key, headers=page).status, 204)
        events = self.node.get("/v1/accounts/local/events", headers={"Cookie": cookie}).json["events"]
        self.assertEqual({(event["data"]["actor"]["subject"], event["data"]["actor"]["username"])
                          for event in events}, {("owner@localhost", "owner@localhost")})
        self.assertEqual(self.node.get("/v1/accounts/acme/keys", headers={"Cookie": cookie}).status, 404)
        self.assertEqual(self.node.put("/v1/accounts/acme", {"username": ADA}, headers=page).status, 404)

    def test_what_changes_something_needs_the_csrf_token_of_this_very_session(self):
        cookie, other = self.sign_in(), self.sign_in()
        good, others = self.as_page(cookie), self.as_page(other)
        made = self.node.post(KEYS, {"name": "a key"}, headers=good).json
        key = f"{KEYS}/{made['id']}"
        asked = [("POST", KEYS, {"name": "b"}), ("PATCH", key, {"name": "b"}), ("DELETE", key, None),
                 ("POST", f"{key}/reveal", None), ("PUT", "/v1/accounts/local", {"username": ADA}),
                 ("DELETE", "/v1/session", None)]
        before = self.node.get("/healthz").position
        for token in (None, "", "x", others["Keyledger-CSRF"], good["Keyledger-CSRF"][:-1]):
            for method, path, body in asked:
                headers = {"Cookie": cookie} if token is None else {"Cookie": cookie, "Keyledger-CSRF": token}
                answer = self.node.request(method, path, body, headers=headers)
                self.assertEqual((answer.status, answer.json["type"]), (403, "urn:keyledger:problem:forbidden"), path)
        self.assertEqual(self.node.get("/healthz").position, before)
        self.assertEqual(self.session(cookie).status, 200)

    def test_a_foreign_origin_is_refused_whatever_else_is_right(self):
        good = self.as_page(self.sign_in())
        bearer = {"Authorization": f"Bearer {self.node.token('local')}"}
        for origin in ("https://evil.example", "null", f"http://{self.node.host}:{self.node.port + 1}",
                       f"http://localhost:{self.node.port}", f"http://{self.node.host}", ""):
            for who in (good, bearer):
                for method, path, body in (("POST", KEYS, {"name": "b"}), ("DELETE", "/v1/session", None)):
                    answer = self.node.request(method, path, body, headers={**who, "Origin": origin})
                    self.assertEqual(answer.status, 403, (origin, path))

    def test_signing_out_ends_the_session_at_the_server(self):
        cookie, other = self.sign_in(), self.sign_in()
        answer = self.node.delete("/v1/session", headers=self.as_page(cookie))
        self.assertEqual((answer.status, answer.headers["set-cookie"]),
                         (204, "keyledger_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict"))
        for path in ("/v1/session", KEYS, "/v1/accounts/local/events"):
            self.assertEqual(self.node.get(path, headers={"Cookie": cookie}).status, 401, path)
        self.assertEqual(self.session(other).status, 200)

    def test_signing_in_again_ends_the_session_of_before(self):
        first = self.sign_in()
        second = self.sign_in(cookie=first)
        self.assertNotEqual(first, second)
        self.assertEqual((self.session(first).status, self.session(second).status), (401, 200))
        planted = "keyledger_session=" + "A" * 43  # Whoever plants a session's id doesn't get a session.
        self.assertNotEqual(self.sign_in(cookie=planted), planted)
        self.assertEqual(self.session(planted).status, 401)

    def test_a_session_ends_with_its_node(self):
        cookie = self.sign_in()
        self.node.restart()
        self.assertEqual(self.session(cookie).status, 401)
        self.assertEqual(self.session(self.sign_in(self.node.sign_in_link())).status, 200)

    def test_only_one_cookie_of_that_name_is_taken_wherever_it_stands(self):
        cookie = self.sign_in()
        for header in (f"a=b; {cookie}", f"{cookie};c=d", f"  {cookie} "):
            self.assertEqual(self.session(header).status, 200, header)
        for header in (f"{cookie}; keyledger_session=x", f"keyledger_session=x; {cookie}", cookie.upper(),
                       "keyledger_session=", "keyledger_session", cookie + "x", cookie.replace("=", "==")):
            self.assertEqual(self.session(header).status, 401, header)

    def test_a_bearer_token_of_a_proxy_in_front_needs_no_session(self):
        token = self.node.token("acme", scope="keys:read")
        shown = self.node.get("/v1/session", token=token)
        self.assertEqual(shown.json, {"account": "acme", "username": ADA, "scopes": ["keys:read"], "csrf_token": None,
                                      "values": "recoverable", "replicas": 0})
        cookie = self.sign_in()
        both = self.node.get("/v1/session", token=token, headers={"Cookie": cookie})
        self.assertEqual((both.json["account"], both.json["csrf_token"]), ("acme", None))
        wrong = self.node.get("/v1/session", token="x", headers={"Cookie": cookie})
        self.assertEqual(wrong.status, 401)  # A token that doesn't hold is not passed over.
        self.assertEqual(self.node.delete("/v1/session", token=token).status, 404)
        self.assertEqual(self.node.get("/v1/session").status, 401)

    def test_no_secret_is_in_the_log_or_in_what_may_be_cached(self):
        self.node.restart("--log-level", "debug")
        link = self.node.sign_in_link()
        cookie = self.sign_in(link)
        fresh = self.fresh_link()
        csrf = self.session(cookie).json["csrf_token"]
        for path in (path_of(link), "/v1/session", KEYS):
            answer = self.node.get(path, headers={"Cookie": cookie})
            self.assertEqual((answer.headers["cache-control"], answer.headers["referrer-policy"],
                              answer.headers["x-content-type-options"], answer.headers["x-frame-options"]),
                             ("no-store", "no-referrer", "nosniff", "DENY"), path)
        self.node.stop()
        log = "".join(self.node.log)
        self.assertIn("signed in", log)
        for secret in (cookie.split("=")[1], csrf, link.partition("token=")[2], fresh.partition("token=")[2]):
            self.assertNotIn(secret, log)


class Configured(NodeTest):
    FLAGS = ("--page-account", "acme", "--page-username", ADA, "--values", "once")

    def test_the_link_is_for_the_account_that_was_named(self):
        answer = self.node.get(path_of(self.node.sign_in_link()))
        cookie = answer.headers["set-cookie"].split(";")[0]
        shown = self.node.get("/v1/session", headers={"Cookie": cookie}).json
        self.assertEqual((shown["account"], shown["username"], shown["values"]), ("acme", ADA, "once"))

    def test_a_node_without_that_role_signs_nobody_in(self):
        cookie = self.node.get(path_of(self.node.sign_in_link())).headers["set-cookie"].split(";")[0]
        self.node.stop()
        self.node.flags = ["--roles", "command,query,verify"]
        self.node.start()
        self.assertEqual(self.node.get("/sign-in?token=x").status, 404)
        self.assertEqual(self.node.get("/v1/session", headers={"Cookie": cookie}).status, 404)
        self.assertEqual(self.node.get("/v1/accounts/acme/keys", headers={"Cookie": cookie}).status, 401)
        _, said = run("sign-in", "--data-dir", self.node.data_dir, expect=1)
        self.assertIn("page", said)
        self.node.stop()
        _, said = run("sign-in", "--data-dir", self.node.data_dir, expect=1)
        self.assertIn(str(self.node.data_dir), said)
        self.node.start()

    def test_what_is_no_account_or_username_is_refused(self):
        for flags in (("--page-account", "a/b"), ("--page-username", "a:b"), ("--page-username", "")):
            _, said = run("serve", "--data-dir", self.work / "other", *flags, expect=2)
            self.assertIn(flags[0], said)


class NoEvent(NodeTest):
    def test_signing_in_and_out_is_not_in_the_ledger(self):
        before = json.loads(run("log", "status", "--data-dir", self.node.data_dir)[0])["end"]
        self.node.get(path_of(self.node.sign_in_link()))
        after = json.loads(run("log", "status", "--data-dir", self.node.data_dir)[0])["end"]
        self.assertEqual(before, after)


class BehindTls(NodeTest):
    """Where a proxy says that the browser speaks TLS."""

    FLAGS = ("--trusted-proxy", "127.0.0.1")
    HTTPS = {"X-Forwarded-Proto": "https"}

    def test_the_cookie_is_one_that_nobody_else_can_plant(self):
        answer = self.node.get(path_of(self.node.sign_in_link()), headers=self.HTTPS)
        cookie, attributes = answer.headers["set-cookie"].split("; ", 1)
        self.assertRegex(cookie, "^__Host-keyledger_session=[A-Za-z0-9_-]{43}$")
        self.assertEqual(attributes, "Path=/; HttpOnly; SameSite=Strict; Secure")  # And no Domain: RFC 6265bis.
        headers = {**self.HTTPS, "Cookie": cookie}
        shown = self.node.get("/v1/session", headers=headers)
        self.assertEqual(shown.status, 200)
        # By the name that plain HTTP can set, it is none; nor does such a one stand in the way of the right one.
        plain = cookie.removeprefix("__Host-")
        self.assertEqual(self.node.get("/v1/session", headers={**self.HTTPS, "Cookie": plain}).status, 401)
        both = {**self.HTTPS, "Cookie": f"keyledger_session={'A' * 43}; {cookie}"}
        self.assertEqual(self.node.get("/v1/session", headers=both).status, 200)
        self.assertEqual(self.node.get("/v1/session", headers={"Cookie": cookie}).status, 401)
        out = self.node.delete("/v1/session", headers={
            **headers, "Keyledger-CSRF": shown.json["csrf_token"], "Origin": f"https://{self.node.host}:{self.node.port}"})
        self.assertEqual((out.status, out.headers["set-cookie"]),
                         (204, "__Host-keyledger_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure"))
        self.assertEqual(self.node.get("/v1/session", headers=headers).status, 401)


if __name__ == "__main__":
    unittest.main()
