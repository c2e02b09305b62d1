"""After a busy story, with every request logged: no secret is where it doesn't belong."""

import base64
import json
import unittest

from node import ADA, NodeTest, basic, openapi_check, run

KEYS = "/v1/accounts/acme/keys"


class Secrets(NodeTest):
    FLAGS = ("--log-level", "debug")

    def setUp(self):
        super().setUp()
        self.values, self.tokens = [], [self.token]

    def create(self, **members):
        headers = {"Idempotency-Key": f"secret-name-{len(self.values)}"}
        answer = self.node.post(KEYS, {"name": "a key", **members}, token=self.token, headers=headers)
        self.assertEqual(answer.status, 201)
        self.values.append(answer.json["value"])
        return answer.json

    def misplace(self, secret):
        """Shows a secret where it doesn't belong, and where it isn't good."""
        node = self.node
        for path in (f"/{secret}", f"/v1/accounts/{secret}/keys", f"{KEYS}/{secret}", f"{KEYS}/{secret}/reveal",
                     f"{KEYS}?cursor={secret}", f"{KEYS}?q={secret}", f"{KEYS}?{secret}=1", f"{KEYS}?limit={secret}",
                     f"/v1/accounts/acme/events?type={secret}", f"/v1/accounts/acme/events?from={secret}",
                     f"/v1/forward-auth?key={secret}", f"/v1/forward-auth/{secret}?access_token={secret}",
                     f"/healthz?token={secret}", f"/v1/verify?key={secret}", f"{KEYS}?min_position={secret}"):
            for method in ("GET", "POST"):
                node.request(method, path, token=self.token)
        for headers in ({"Authorization": f"Digest {secret}"}, {"Authorization": secret}, {"X-API-Key": secret + "x"},
                        {"Authorization": f"Bearer {secret[:-1]}"}, {"Authorization": basic(secret, secret)},
                        {"Cookie": f"key={secret}"}, {"Keyledger-Min-Position": secret}, {"X-API-Key": "a " + secret}):
            node.get("/v1/forward-auth", headers=headers)
            node.get(KEYS, headers=headers)
        for headers in ({"If-Match": secret}, {"Idempotency-Key": secret + " "}, {"Prefer": f"wait={secret}"},
                        {"Accept": secret}, {"Origin": secret}, {"Content-Type": secret}, {"Traceparent": secret}):
            node.post(KEYS, {"name": 1}, token=self.token, headers=headers)
        for body in ({secret: 1}, {"name": "a", "enabled": secret}, {"name": "a", "expires_at": secret}, [secret],
                     secret):
            node.post(KEYS, body, token=self.token)
            node.post("/v1/verify", body)
            node.post("/v1/verify/batch", {"keys": [body]})
        node.request("POST", "/v1/verify", f'{{"key": "{secret}"', headers={"Content-Type": "application/json"})
        node.send(f"{secret}\r\n\r\n".encode())
        twice = f"GET /v1/forward-auth HTTP/1.1\r\nHost: a\r\nX-API-Key: {secret}\r\nX-API-Key: {secret}\r\n\r\n"
        node.send(twice.encode(), path="/v1/forward-auth")
        node.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + secret.encode() * 400 + b"\r\n\r\n")

    def busy_story(self):
        good, disabled, gone = self.create(), self.create(enabled=False), self.create()
        for key in (good, disabled, gone):
            self.node.post(f"{KEYS}/{key['id']}/reveal", token=self.token,
                           headers={"Idempotency-Key": "secret-name-r" + key["id"]})
            self.node.patch(f"{KEYS}/{key['id']}", {"name": "b", "description": "c", "reason": "d"}, token=self.token)
        self.node.delete(f"{KEYS}/{gone['id']}", token=self.token)
        for key in (good, disabled, gone):
            for username in (ADA, "bob@example.com"):
                self.node.sign_in(username, key["value"])
                self.node.verify(key["value"], username)
            self.node.get("/v1/forward-auth", headers={"Authorization": f"Bearer {key['value']}"})
            self.misplace(key["value"])
        self.tokens.append(self.node.token("acme", scope="keys:read"))
        for token in self.tokens:
            self.node.post(KEYS, {"name": "a"}, token=token)
            self.misplace(token)
        self.metrics = self.node.get("/metrics").body.decode()

    def secrets(self):
        """Everything that must not be found, by what it is; values are texts."""
        found = {f"value {i}": value for i, value in enumerate(self.values)}
        for i, token in enumerate(self.tokens):
            found[f"token {i}"] = token
            found[f"signature {i}"] = token.split(".")[2]
        ring = json.loads((self.node.data_dir / "keyring.json").read_text(encoding="utf-8"))
        for name, secret in (("pepper", ring["pepper"]), ("idempotency secret", ring["idempotency"]),
                             ("envelope key", ring["envelope"][0]["secret"]),
                             ("cursor key", ring["cursor"][0]["secret"])):
            found[name] = secret
            found[name + " in hex"] = base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4)).hex()
        found["signing key"] = ring["signing"][0]["private"].splitlines()[1]
        found["basic"] = basic(ADA, self.values[0]).split()[1]
        return found

    def test_no_secret_is_in_logs_metrics_events_or_the_files_of_the_data(self):
        self.busy_story()
        self.node.stop()
        secrets = self.secrets()
        log = "".join(self.node.log)
        replayed = run("replay", "--data-dir", self.node.data_dir)[0]
        events = [json.loads(line) for line in replayed.splitlines()]
        digests = {f"digest of {event['subject']}": event["data"]["digest"] for event in events
                   if event["type"] == "keyledger.KeyCreated"}
        # The story was told, or nothing would be found for want of it.
        self.assertEqual(len(digests), 4)
        self.assertIn('"route":"/v1/forward-auth"', log)
        self.assertIn("credential refused", log)
        for what, secret in {**secrets, **digests}.items():
            with self.subTest(what):
                self.assertNotIn(secret, log)
                self.assertNotIn(secret, self.metrics)
        for what, secret in {**secrets, "name of an idempotent request": "secret-name-"}.items():
            self.assertNotIn(secret, replayed, what)
        for event in events:
            openapi_check.check_event(event)
        self.assert_no_file_has(secrets)

    def assert_no_file_has(self, secrets):
        ring = self.node.data_dir / "keyring.json"
        files = [file for file in self.node.data_dir.rglob("*") if file.is_file() and file != ring]
        self.assertTrue(any(b"KeyCreated" in file.read_bytes() for file in files))  # The log can be read so.
        for file in files:
            content = file.read_bytes()
            for what, secret in secrets.items():
                self.assertNotIn(secret.encode(), content, f"{what} in {file}")
        content = ring.read_bytes()
        for value in self.values + self.tokens:
            self.assertNotIn(value.encode(), content)

    def test_each_line_of_the_log_is_json_with_time_level_and_message(self):
        self.busy_story()
        self.node.stop()
        for line in self.node.log:
            entry = json.loads(line)
            self.assertLessEqual({"time", "level", "message"}, set(entry))
            if entry["message"] == "request":
                self.assertLessEqual({"method", "route", "status", "request_id"}, set(entry))


if __name__ == "__main__":
    unittest.main()
