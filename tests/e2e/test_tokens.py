"""Bearer tokens: what keyledger prints is taken, and what anybody else could make is not."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import time
import unittest

from node import ADA, ALL_SCOPES, DEADLINE, NodeTest, SharedNodeTest, run

OPENSSL = shutil.which("openssl")
DEFAULT_SCOPES = "keys:read keys:write keys:reveal audit:read events:read accounts:write"


def encoded(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).decode().rstrip("=")


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Printed(SharedNodeTest):
    def claims(self, *flags):
        token = run("token", "--data-dir", self.node.data_dir, *flags)[0].strip()
        header, claims, _ = token.split(".")
        return decoded(header), decoded(claims)

    def test_it_says_who_for_whom_and_for_how_long(self):
        before = int(time.time())
        header, claims = self.claims("--account", "acme", "--username", ADA)
        self.assertEqual(header["alg"], "ES256")
        self.assertEqual((claims["iss"], claims["aud"], claims["sub"], claims["account"], claims["username"]),
                         ("keyledger", "keyledger", ADA, "acme", ADA))
        self.assertEqual((claims["scope"], claims["exp"] - claims["iat"]), (DEFAULT_SCOPES, 3600))
        self.assertGreaterEqual(claims["iat"], before)
        self.assertLessEqual(claims["nbf"], int(time.time()))

    def test_subject_scope_and_ttl_are_what_was_asked_for(self):
        _, claims = self.claims("--account", "acme", "--subject", "user-7", "--ttl", "90s",
                                "--scope", "keys:verify  keys:read")
        self.assertEqual((claims["sub"], claims["exp"] - claims["iat"]), ("user-7", 90))
        self.assertEqual(set(claims["scope"].split()), {"keys:read", "keys:verify"})
        self.assertNotIn("username", claims)
        _, claims = self.claims("--subject", "operator", "--scope", ALL_SCOPES)
        self.assertEqual(set(claims["scope"].split()), set(ALL_SCOPES.split()))
        self.assertNotIn("account", claims)

    def test_what_makes_no_sense_is_refused_by_name(self):
        for flags, named in ((("--account", "a/b"), "--account"),
                             (("--account", "a", "--username", "a:b"), "--username"),
                             (("--account", "a", "--scope", "keys:all"), "keys:all"), (("--subject", "a"), "--account"),
                             (("--account", "a", "--ttl", "1"), "--ttl"), (("--account", "a", "--ttl=-1h"), "--ttl")):
            printed, said = run("token", "--data-dir", self.node.data_dir, *flags, expect=2)
            self.assertEqual(printed, "")
            self.assertIn(named, said)
        _, said = run("token", "--data-dir", self.work / "nowhere", "--account", "a", expect=1)
        self.assertIn("nowhere", said)


class Forged(SharedNodeTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = json.loads((cls.node.data_dir / "keyring.json").read_text(encoding="utf-8"))["signing"][0]
        cls.pem = cls.work / "signing.pem"
        cls.pem.write_text(cls.key["private"], encoding="utf-8")

    def sign(self, text, pem=None):
        """ES256 (RFC 7518 §3.4): OpenSSL's DER as two numbers of 32 bytes."""
        done = subprocess.run([OPENSSL, "dgst", "-sha256", "-sign", str(pem or self.pem)], input=text.encode(),
                              capture_output=True, check=True, timeout=DEADLINE)
        der, numbers, at = done.stdout, b"", 2
        for _ in range(2):
            length = der[at + 1]
            numbers += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + length
        return numbers

    def token_of(self, header=None, claims=None, without=(), sign=None):
        now = int(time.time())
        header = {"alg": "ES256", "typ": "JWT", "kid": self.key["id"], **(header or {})}
        claims = {"iss": "keyledger", "aud": "keyledger", "sub": "user-7", "account": self.account, "username": ADA,
                  "scope": DEFAULT_SCOPES, "iat": now, "nbf": now, "exp": now + 3600, **(claims or {})}
        for name in without:
            header.pop(name, None)
            claims.pop(name, None)
        text = f"{encoded(header)}.{encoded(claims)}"
        return f"{text}.{encoded((sign or self.sign)(text))}"

    def status(self, token):
        return self.node.get(self.keys, token=token).status

    @unittest.skipIf(OPENSSL is None, "there is no openssl to sign with")
    def test_only_a_claim_set_that_is_for_here_and_now_is_taken(self):
        now = int(time.time())
        self.assertEqual(self.status(self.token_of()), 200)
        good = [{"aud": ["other", "keyledger"]}, {"exp": now - 10}, {"nbf": now + 10},
                {"scope": "unknown:scope keys:read"}]
        for claims in good:  # Ten seconds are within the leeway.
            self.assertEqual(self.status(self.token_of(claims=claims)), 200, claims)
        bad = [{"exp": now - 60}, {"exp": "tomorrow"}, {"nbf": now + 600}, {"nbf": "now"}, {"iss": "other"},
               {"aud": "other"},
               {"aud": []}, {"aud": None}, {"sub": ""}, {"sub": 7}, {"sub": "a\nb"}, {"account": "a/b"}, {"account": 1},
               {"username": "a:b"}, {"scope": ["keys:read"]}]
        for claims in bad:
            self.assertEqual(self.status(self.token_of(claims=claims)), 401, claims)
        for name in ("exp", "iss", "aud", "sub", "alg", "kid"):
            self.assertEqual(self.status(self.token_of(without=[name])), 401, name)
        self.assertEqual(self.status(self.token_of(without=["scope"])), 403)
        self.assertEqual(self.status(self.token_of(without=["account"])), 404)

    @unittest.skipIf(OPENSSL is None, "there is no openssl to sign with")
    def test_another_signature_algorithm_or_key_is_refused(self):
        def hmac_with(secret):
            return lambda text: hmac.digest(secret.encode(), text.encode(), hashlib.sha256)

        stranger = self.work / "stranger.json"
        if not stranger.exists():
            run("keyring", "init", stranger)
        other = json.loads(stranger.read_text(encoding="utf-8"))["signing"][0]
        pem = self.work / "stranger.pem"
        pem.write_text(other["private"], encoding="utf-8")
        forged = [self.token_of({"alg": "none"}, sign=lambda text: b""), self.token_of({"alg": "None"}),
                  self.token_of({"alg": "HS256"}, sign=hmac_with(self.key["public"])),
                  self.token_of({"alg": "HS256"}, sign=hmac_with("")), self.token_of({"alg": "ES384"}),
                  self.token_of({"alg": "RS256"}), self.token_of({"alg": "es256"}),
                  self.token_of(sign=lambda text: self.sign(text, pem)), self.token_of({"kid": other["id"]}),
                  self.token_of({"kid": other["id"], "jwk": {"kty": "EC"}}, sign=lambda text: self.sign(text, pem)),
                  self.token_of({"crit": ["exp"]}), self.token_of({"kid": f"../{self.key['id']}"}),
                  self.token_of(sign=lambda text: b"\0" * 64), self.token_of(sign=lambda text: self.sign(text)[:63]),
                  self.token_of(sign=lambda text: self.sign(text + " "))]
        for token in forged:
            self.assertEqual(self.status(token), 401, decoded(token.split(".")[0]))

    def test_what_was_signed_can_not_be_changed(self):
        header, claims, signature = self.token.split(".")
        more = encoded({**decoded(claims), "scope": ALL_SCOPES})
        for token in (f"{header}.{more}.{signature}", f"{header}.{claims}.{signature[:-4]}", f"{header}.{claims}.",
                      f"{header}.{claims}", f".{claims}.{signature}", f"{self.token}.{signature}", self.token + "=",
                      "a" * 9000):
            self.assertEqual(self.status(token), 401, token[:40])


class Rotation(NodeTest):
    def test_old_tokens_values_and_cursors_are_good_after_the_ring_was_rotated(self):
        ring = self.node.data_dir / "keyring.json"
        keys = [self.node.create(self.token) for _ in range(3)]
        path = "/v1/accounts/acme/keys"
        cursor = self.node.get(f"{path}?limit=1", token=self.token).json["next_cursor"]
        first = self.node.post(path, {"name": "a"}, token=self.token, headers={"Idempotency-Key": "x"})
        for _ in range(2):
            before = ring.read_bytes()
            run("keyring", "rotate", ring)
            self.assertNotEqual(ring.read_bytes(), before)
            self.assertEqual(ring.stat().st_mode & 0o777, 0o600)
            self.node.restart()
            self.assertEqual(self.node.verify(keys[0]["value"])["code"], "VALID")
            revealed = self.node.post(f"{path}/{keys[0]['id']}/reveal", token=self.token)
            self.assertEqual(revealed.json, {"value": keys[0]["value"]})
            page = self.node.get(f"{path}?limit=1&cursor={cursor}", token=self.token)
            self.assertEqual(page.json["keys"][0]["id"], keys[1]["id"])
            again = self.node.post(path, {"name": "a"}, token=self.token, headers={"Idempotency-Key": "x"})
            self.assertEqual(again.json, first.json)
            new = self.node.token()
            self.assertNotEqual(decoded(new.split(".")[0])["kid"], decoded(self.token.split(".")[0])["kid"])
            self.assertEqual(self.node.get(path, token=new).status, 200)
            self.assertEqual(self.node.verify(self.node.create(new)["value"])["code"], "VALID")


if __name__ == "__main__":
    unittest.main()
