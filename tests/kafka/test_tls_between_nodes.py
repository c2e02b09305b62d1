"""Nodes that speak TLS: a standby passes commands on to a leader whose certificate it trusts, and to no other."""

import ssl
import unittest

from certificates import make_certificate
from deployment import DeploymentTest
from node import eventually

KEYS = "/v1/accounts/acme/keys"


class TlsBetweenNodes(DeploymentTest):
    def start_two(self, authorities):
        """A leader and a standby, each with a certificate of its own: (leader, standby). They trust `authorities`."""
        trusted = self.deployment.work / "authorities.pem"
        own = [make_certificate(self.deployment.work, name) for name in ("first", "second", "stranger")]
        trusted.write_bytes(b"".join(own[number][0].read_bytes() for number in authorities))
        for certificate, key in own[:2]:
            self.deployment.start("--tls-cert", certificate, "--tls-key", key, env={"SSL_CERT_FILE": str(trusted)},
                                  tls=ssl.create_default_context(cafile=certificate))
        leader, standby = self.deployment.settled()
        for node in (leader, standby):
            eventually(lambda node=node: node.get("/readyz", check=False).status == 200, "it is ready")
        return leader, standby

    def test_commands_are_passed_on_over_it_and_shown_at_once(self):
        leader, standby = self.start_two(authorities=(0, 1))
        elected = [event for event in self.deployment.replay() if event["type"] == "keyledger.WriterElected"]
        self.assertEqual(elected[-1]["data"]["url"], f"https://127.0.0.1:{leader.port}")
        token = standby.token()
        made = standby.post(KEYS, {"name": "a key"}, token=token, headers={"User-Agent": "a-script/1.0"})
        self.assertEqual(made.status, 201, made)
        self.assertEqual(standby.verify(made.json["value"])["code"], "VALID")
        path = f"{KEYS}/{made.json['id']}"
        self.assertEqual(standby.patch(path, {"enabled": False}, token=token).headers["etag"], '"v2"')
        self.assertEqual(standby.post(f"{path}/reveal", token=token).json["value"], made.json["value"])
        self.assertEqual(leader.get(path, token=token).json["enabled"], False)
        self.assertEqual(standby.delete(path, token=token).status, 204)
        actor = next(event for event in self.deployment.replay() if event["type"] == "keyledger.KeyCreated")["data"]["actor"]
        self.assertEqual(actor["user_agent"], "a-script/1.0")
        # Many on one connection: what is kept open goes on being TLS.
        for number in range(20):
            self.assertEqual(standby.post(KEYS, {"name": f"key {number}"}, token=token).status, 201)
        self.deployment.wait_until_equal()

    def test_a_leader_whose_certificate_nobody_vouches_for_is_told_nothing(self):
        leader, standby = self.start_two(authorities=(2,))
        token = leader.token()
        key = leader.create(token)
        before = self.deployment.replay()
        refused = standby.post(KEYS, {"name": "a secret name"}, token=token)
        self.assertEqual(refused.status, 503, refused)
        self.assertIn("retry-after", refused.headers)
        self.assertEqual(self.deployment.replay(), before)
        # All else goes on: only what would have to be passed on is refused.
        self.assertEqual(standby.verify(key["value"])["code"], "VALID")
        self.assertEqual(leader.post(KEYS, {"name": "another"}, token=token).status, 201)


if __name__ == "__main__":
    unittest.main()
