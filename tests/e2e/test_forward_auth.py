"""/v1/forward-auth: what a reverse proxy asks with its client's credential."""

import base64
import unittest
import urllib.parse

from node import ADA, SharedNodeTest, basic, eventually, with_checksum

CHALLENGE = 'Basic realm="keyledger", charset="UTF-8"'
PATH = "/v1/forward-auth"


def raw_basic(text):
    return "Basic " + base64.b64encode(text).decode()


class ForwardAuth(SharedNodeTest):
    def setUp(self):
        super().setUp()
        self.key = self.create(name="Nightly sync")
        self.value = self.key["value"]

    def ask(self, authorization=None, method="GET", path=PATH, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if authorization is not None:
            headers["Authorization"] = authorization
        return self.node.request(method, path, headers=headers)

    def test_username_and_key_are_let_in_and_the_proxy_is_told_who_it_is(self):
        answer = self.ask(basic(ADA, self.value))
        self.assertEqual((answer.status, answer.body), (200, b""))
        told = {name: value for name, value in answer.headers.items() if name.startswith("x-keyledger-")}
        self.assertEqual(told, {"x-keyledger-account": self.account, "x-keyledger-username": ADA,
                                "x-keyledger-key-id": self.key["id"], "x-keyledger-key-name": "Nightly%20sync"})

    def test_each_way_to_show_one_key_is_taken(self):
        for authorization in (basic(ADA, self.value), basic("ADA@EXAMPLE.COM", self.value), basic(self.value, ""),
                              f"Bearer {self.value}", f"bearer {self.value}", f"BASIC   {basic(ADA, self.value)[6:]}"):
            self.assertEqual(self.ask(authorization).status, 200, authorization)
        self.assertEqual(self.ask(X_API_Key=self.value).status, 200)
        self.assertEqual(self.ask(x_api_key=self.value).status, 200)

    def test_any_method_and_any_path_below_are_answered_alike(self):
        self.assertEqual(self.ask(X_API_Key=self.value, path=PATH + "?return_to=https%3A%2F%2Fa%2F%zz").status, 200)
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
            for path in (PATH, PATH + "/", PATH + "/app/v2/orders", PATH + "/%ff%2F..//x?q=%zz&q=1"):
                with self.subTest(f"{method} {path}"):
                    good = self.ask(basic(ADA, self.value), method, path)
                    bad = self.ask(basic(ADA, self.value + "x"), method, path)
                    self.assertEqual((good.status, bad.status), (200, 401))
        for path in (PATH + "x", PATH.upper(), "/v1//forward-auth"):
            self.assertEqual(self.ask(basic(ADA, self.value), path=path).status, 404)

    def test_a_refusal_is_the_same_for_every_reason(self):
        disabled = self.create(enabled=False)["value"]
        gone = self.create()
        self.node.delete(f"{self.keys}/{gone['id']}", token=self.token)
        reasons = {
            "none": None, "empty": "", "scheme": "Digest x", "bare": self.value, "not base64": "Basic ***",
            "no colon": raw_basic(self.value.encode()), "nothing": "Basic ", "no UTF-8": raw_basic(b"\xff\xfe:x"),
            "wrong username": basic("bob@example.com", self.value), "empty username": basic("", self.value),
            "swapped": basic(self.value, ADA), "malformed": basic(ADA, "x"), "longer": basic(ADA, self.value + ":x"),
            "unknown": basic(ADA, with_checksum("kl_" + "0" * 43)), "disabled": basic(ADA, disabled),
            "deleted": basic(ADA, gone["value"]), "bearer token": f"Bearer {self.token}",
            "two": f"Bearer {self.value} x",
        }
        answers = {reason: self.ask(authorization) for reason, authorization in reasons.items()}
        answers["empty X-API-Key"] = self.ask(X_API_Key="")
        answers["two credentials"] = self.ask(basic(ADA, self.value), X_API_Key=self.value)
        lines = (f"Authorization: Bearer {self.value}\r\n", f"X-API-Key: {self.value}\r\n")
        for line in lines:
            head = f"GET {PATH} HTTP/1.1\r\nHost: a\r\n{line}{line}\r\n"
            answers["twice " + line[:9]] = self.node.send(head.encode(), "GET", PATH)
        first = None
        for reason, answer in answers.items():
            with self.subTest(reason):
                self.assertEqual((answer.status, answer.headers["www-authenticate"]), (401, CHALLENGE))
                self.assertNotIn("x-keyledger-account", answer.headers)
                shown = answer.json | {"instance": ""}
                headers = {name: value for name, value in answer.headers.items()
                           if name not in ("date", "x-request-id", "keyledger-position", "content-length")}
                first = first or (shown, headers)
                self.assertEqual((shown, headers), first)

    def test_the_reason_is_in_the_log_and_the_metrics(self):
        answer = self.ask(basic("bob@example.com", self.value), X_Request_Id=f"{self.account}-refused")
        self.assertEqual(answer.status, 401)
        lines = eventually(lambda: [line for line in self.node.log if f"{self.account}-refused" in line],
                           "it is logged")
        self.assertIn("USERNAME_MISMATCH", lines[0])
        counted = self.node.get("/metrics").body.decode()
        self.assertRegex(counted, r'keyledger_validations_total\{code="USERNAME_MISMATCH"\} [1-9]')

    def test_names_are_percent_encoded_so_that_they_fit_into_a_header(self):
        username = "Ädä Löve%41\U0001f511"
        name = 'a "quoted"; \U0001f511, 100%\u00a0+~._-'
        self.node.put(f"/v1/accounts/{self.account}", {"username": username}, token=self.token)
        key = self.create(name=name)["value"]
        answer = self.ask(basic(username, key))
        self.assertEqual(answer.status, 200)
        self.assertEqual(urllib.parse.unquote(answer.headers["x-keyledger-username"]), username)
        self.assertEqual(urllib.parse.unquote(answer.headers["x-keyledger-key-name"]), name)
        self.assertTrue(answer.headers["x-keyledger-key-name"].endswith("%2B~._-"))

    def test_a_clients_own_keyledger_headers_are_not_given_back(self):
        answer = self.ask(basic(ADA, self.value), X_Keyledger_Account="root", X_Keyledger_Key_Name="root")
        self.assertEqual((answer.headers["x-keyledger-account"], answer.headers["x-keyledger-key-name"]),
                         (self.account, "Nightly%20sync"))


if __name__ == "__main__":
    unittest.main()
