"""Tokens of another issuer: what npm's oidc-provider issues is taken, and what anybody else could make is not."""

import base64
import http.server
import json
import os
import ssl
import subprocess
import threading
import time
import unittest

from issuer import AUDIENCE, TENANT, Issuer
from node import ADA, DEADLINE, Node, NodeTest, eventually, run

KEYS = "/v1/accounts/acme/keys"


class IssuerTest(NodeTest):
    def setUp(self):
        self.issuer = Issuer().__enter__()
        self.addCleanup(self.issuer.__exit__)
        self.FLAGS = self.issuer.flags()  # pylint: disable=invalid-name
        super().setUp()

    def serve_keys(self, tls=None):
        """A server that gives out the issuer's keys, and counts how often it was `asked` for them."""
        jwks = json.dumps(self.issuer.ask(do="keys")["jwks"]).encode()

        class Keys(http.server.BaseHTTPRequestHandler):
            asked = 0

            def do_GET(self):  # noqa: N802  pylint: disable=invalid-name
                type(self).asked += 1
                self.send_response(200)
                self.send_header("Content-Length", str(len(jwks)))
                self.end_headers()
                self.wfile.write(jwks)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def status(self, token, node=None):
        return (node or self.node).get(KEYS, token=token).status


class Issued(IssuerTest):
    def test_its_tokens_say_who_may_do_what_on_which_account(self):
        token = self.issuer.issue()
        made = self.node.post(KEYS, {"name": "a key"}, token=token)
        self.assertEqual(made.status, 201, made)
        self.assertEqual(self.node.verify(made.json["value"], ADA)["code"], "VALID")
        event = self.node.get("/v1/accounts/acme/events?order=desc", token=token).json["events"][0]
        self.assertEqual((event["data"]["actor"]["subject"], event["data"]["actor"]["username"]), ("tests", ADA))
        self.assertEqual(self.node.get("/v1/accounts/another/keys", token=token).status, 404)
        self.assertEqual(self.node.post(KEYS, {"name": "b"}, token=self.issuer.issue(scope="keys:read")).status, 403)
        shown = self.node.get("/v1/session", token=token).json
        self.assertEqual((shown["account"], shown["username"], shown["csrf_token"]), ("acme", ADA, None))
        self.assertEqual(self.status(self.token), 200)  # The deployment's own tokens are good as before.

    def test_both_algorithms_are_taken_and_no_other_audience(self):
        self.node.stop()
        self.node.flags[self.node.flags.index(AUDIENCE)] = f"{AUDIENCE}/rs256"
        self.node.start()
        rs256 = self.issuer.issue(audience=f"{AUDIENCE}/rs256")
        header = rs256.split(".")[0]
        self.assertEqual(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["alg"], "RS256")
        self.assertEqual(self.status(rs256), 200)
        self.assertEqual(self.status(self.issuer.issue()), 401)


class Forged(IssuerTest):
    def test_what_the_issuer_did_not_sign_for_here_and_now_is_401(self):
        now = int(time.time())
        forge = self.issuer.forge
        good = [forge(), forge("RS256"), forge(aud=["x", AUDIENCE]), forge(exp=now - 20), forge(nbf=now + 20),
                forge(scope=["keys:read", "other"]), forge(header={"typ": "JWT"})]
        for token in good:  # 20 s are within the leeway.
            self.assertEqual(self.status(token), 200)
        keys = self.issuer.ask(do="keys")["jwks"]["keys"]
        rsa, ec = (key["kid"] for key in keys)
        bad = {
            "another issuer": forge(iss="https://other.example"), "our own name": forge(iss="keyledger"),
            "no issuer": forge(without=["iss"]), "issuers": forge(iss=[self.issuer.name]),
            "issuer with a slash": forge(iss=self.issuer.name + "/"),
            "another audience": forge(aud="https://other.example"), "no audience": forge(without=["aud"]),
            "our own audience": forge(aud="keyledger"), "the leader's audience": forge(aud="keyledger-leader"),
            "no subject": forge(without=["sub"]), "expired": forge(exp=now - 60), "no expiry": forge(without=["exp"]),
            "expiry in text": forge(exp=str(now + 60)), "not yet": forge(nbf=now + 90),
            "a stranger's key": forge(by="stranger"), "a stranger's RSA key": forge("RS256", by="stranger"),
            "an unknown key": forge(header={"kid": "x"}), "no key": forge(header={"kid": None}),
            "a key in the token": forge(by="stranger", header={"jwk": keys[1], "kid": "x"}),
            "a key's URL": forge(by="stranger", header={"jku": "http://127.0.0.1:1/", "kid": "x"}),
            "none": forge("none"), "None": forge("none", header={"alg": "None"}), "none, no key id": forge(
                "none", header={"kid": None}),
            "HS256 by the public key": forge("HS256"), "HS256 named RS256": forge("HS256", header={"alg": "RS256"}),
            "HS256 by the RSA key": forge("HS256", header={"kid": rsa}),
            "RS256 by the EC key": forge("RS256", header={"kid": ec}), "ES256 by the RSA key": forge(header={"kid": rsa}),
            "ES384": forge("ES384"), "PS256": forge(header={"alg": "PS256"}), "crit": forge(header={"crit": ["exp"]}),
            "an account that can't be": forge(**{TENANT: "a/b"}), "scopes of numbers": forge(scope=[1]),
            "9 KiB": forge(filler="x" * 7000), "no JSON": self.issuer.ask(
                do="sign", algorithm="ES256", raw="{")["token"],
            "an issuer twice": self.issuer.ask(
                do="sign", algorithm="ES256",
                raw=f'{{"iss":"{self.issuer.name}","iss":"keyledger","aud":"{AUDIENCE}"}}')["token"],
            "half a signature": forge()[:-20], "a longer signature": forge() + "AAAA",
        }
        for what, token in bad.items():
            answer = self.node.get(KEYS, token=token)
            self.assertEqual((answer.status, answer.headers.get("www-authenticate")),
                             (401, 'Bearer realm="keyledger"'), what)
        self.assertEqual(self.status(good[0]), 200)
        huge = self.node.get(KEYS, token=forge(filler="x" * 20000), check=False)
        self.assertIn(huge.status, (401, 431))

    def test_another_account_claim_is_not_looked_at(self):
        self.assertEqual(self.status(self.issuer.forge(without=[TENANT], account="acme")), 404)

    def test_a_token_of_no_account_learns_nothing_of_any(self):
        key = self.node.post(KEYS, {"name": "a key"}, token=self.issuer.forge()).json
        scope = "audit:read keys:verify keys:read events:read"
        nobodys = self.issuer.forge(without=[TENANT], scope=scope)
        path = f"/v1/verify?as_of={self.node.get('/healthz').position}"
        asked = self.node.post(path, {"key": key["value"]}, token=nobodys)
        self.assertEqual((asked.status, "acme" in asked.body.decode()), (403, False))
        everybodys = self.issuer.forge(without=[TENANT], scope=f"{scope} accounts:any")
        self.assertEqual(self.node.post(path, {"key": key["value"]}, token=everybodys).json["account"], "acme")

    def test_a_token_never_speaks_for_another_node(self):
        relay = {"client_address": "192.0.2.1", "client_agent": "x", "request_id": "x", "within_ms": 1000}
        made = self.node.post(KEYS, {"name": "a"}, token=self.issuer.forge(**relay))
        self.assertEqual(made.status, 201)
        event = self.node.get("/v1/accounts/acme/events?order=desc", token=self.token).json["events"][0]
        self.assertEqual(event["data"]["actor"]["address"], "127.0.0.1")


class Rotation(IssuerTest):
    def test_a_new_key_is_found_at_its_first_token_and_a_withdrawn_one_is_good_no_more(self):
        old = self.issuer.forge()
        self.assertEqual(self.status(old), 200)
        self.issuer.ask(do="rotate")
        self.assertEqual(self.status(old), 200)  # Nothing was read since.
        self.assertEqual(self.status(self.issuer.forge()), 200)
        self.assertEqual(self.status(old), 401)
        self.issuer.ask(do="rotate")
        self.assertEqual(self.node.get("/v1/session", token=self.issuer.issue()).status, 200)

    def test_while_the_issuer_is_down_what_was_read_is_used(self):
        token, unknown = self.issuer.forge(), self.issuer.forge(header={"kid": "x"})
        self.issuer.__exit__()
        self.assertEqual(self.status(token), 200)
        self.assertEqual(self.status(unknown), 401)
        self.assertEqual(self.status(token), 200)
        self.issuer.__enter__()

    def test_the_issuer_is_not_asked_for_each_unknown_key(self):
        server = self.serve_keys()
        token = self.issuer.forge()
        with Node(self.work / "other", *self.issuer.flags(f"http://127.0.0.1:{server.server_port}/jwks")) as node:
            for number in range(200):
                self.assertEqual(self.status(self.issuer.forge(header={"kid": f"x{number}"}), node), 401)
            self.assertEqual(self.status(token, node), 200)
        self.assertLess(server.RequestHandlerClass.asked, 30)


class Sources(IssuerTest):
    def test_a_file_is_read_and_read_again_when_a_key_is_unknown(self):
        file = self.work / "jwks.json"
        file.write_text(json.dumps(self.issuer.ask(do="keys")["jwks"]), encoding="utf-8")
        with Node(self.work / "other", *self.issuer.flags(file)) as node:
            self.assertEqual(self.status(self.issuer.forge(), node), 200)
            self.issuer.ask(do="rotate")
            self.assertEqual(self.status(self.issuer.forge(), node), 401)
            file.write_text(json.dumps(self.issuer.ask(do="keys")["jwks"]), encoding="utf-8")
            self.assertEqual(self.status(self.issuer.forge(), node), 200)
            file.write_text("{", encoding="utf-8")
            self.assertEqual(self.status(self.issuer.forge(header={"kid": "x"}), node), 401)
            self.assertEqual(self.status(self.issuer.forge(), node), 200)

    def test_a_file_without_a_good_key_ends_the_start_and_is_named(self):
        file = self.work / "jwks.json"
        jwks = self.issuer.ask(do="keys")["jwks"]["keys"]
        for keys in (None, {}, {"keys": []}, {"keys": [{"kty": "oct", "kid": "x", "k": "AAAA"}]}, {"keys": [jwks[0]] * 2},
                     {"keys": [{**jwks[0], "n": "AQAB"}]}, {"keys": [{**jwks[0], "e": "AQ"}]},
                     {"keys": [{**jwks[1], "x": jwks[1]["y"]}]}, {"keys": [{**jwks[1], "crv": "P-384"}]},
                     {"keys": [{**jwks[0], "use": "enc"}]}, {"keys": [{**jwks[0], "alg": "PS256"}]},
                     {"keys": [{**jwks[0], "key_ops": ["sign"]}]}, {"keys": jwks, "x": "x" * 300_000}):
            file.write_text("" if keys is None else json.dumps(keys), encoding="utf-8")
            _, said = run("serve", "--data-dir", self.work / "other", "--listen", "127.0.0.1:0",
                          *self.issuer.flags(file), expect=1)
            self.assertIn("--auth.jwks", said)
        _, said = run("serve", "--data-dir", self.work / "other", *self.issuer.flags(self.work / "none"), expect=1)
        self.assertIn("none", said)

    def test_what_is_no_safe_source_or_half_an_issuer_is_a_usage_error(self):
        whole = self.issuer.flags()
        for flags in (whole[:2], whole[:4], whole[2:4], ("--auth.claim.scope", "x"),
                      ("--auth.jwks", "http://issuer.example/jwks", *whole[2:]), ("--auth.jwks",
                      "http://127.0.0.1.evil.example/jwks", *whole[2:]), (*whole, "--auth.issuer", "keyledger")):
            _, said = run("serve", "--data-dir", self.work / "other", *flags, expect=2)
            self.assertIn("--auth.", said)

    def test_an_issuer_that_is_down_at_the_start_is_waited_for(self):
        token, flags = self.issuer.forge(), self.issuer.flags("http://127.0.0.1:1/jwks")
        with Node(self.work / "other", *flags) as node:
            answer = node.get(KEYS, token=token)
            self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
            self.assertEqual(self.status(node.token(), node), 200)

    def test_over_tls_the_issuers_certificate_must_be_good(self):
        key, certificate = self.work / "key.pem", self.work / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "1", "-subj", "/CN=issuer", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=DEADLINE)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = self.serve_keys(context)
        token = self.issuer.forge()
        trusted = {"SSL_CERT_FILE": str(certificate)}
        for host, environment, status in (("localhost", trusted, 200), ("127.0.0.1", trusted, 503),
                                          ("localhost", {"SSL_CERT_FILE": os.devnull}, 503)):
            flags = self.issuer.flags(f"https://{host}:{server.server_port}/jwks")
            with self.subTest(host=host), Node(self.work / f"{host}{status}", *flags, env=environment) as node:
                self.assertEqual(self.status(token, node), status, node.log)
                if status == 503:
                    eventually(lambda node=node: any("certificate" in line for line in node.log), "it says why")


if __name__ == "__main__":
    unittest.main()
