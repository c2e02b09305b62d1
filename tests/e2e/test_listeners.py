"""Which listener answers what, and to whom: the listener for validation, and addresses beyond loopback."""

import ipaddress
import subprocess
import unittest

from node import ADA, ALL_SCOPES, Node, NodeTest, basic
from operations import MANAGED


def another_address():
    """An IPv4 address of this machine that is not loopback; None if it has none."""
    said = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False)
    addresses = [ipaddress.ip_address(word) for word in said.stdout.split()]
    return next((str(one) for one in addresses if one.version == 4 and not one.is_loopback), None)


ADDRESS = another_address()


class ValidationListener(NodeTest):
    FLAGS = ("--verify-listen", "127.0.0.1:0")

    def test_it_validates_without_a_token_and_has_nothing_else(self):
        key = self.node.create(self.token)
        there = {"fresh": True, "port": self.node.verify_port}
        self.assertEqual(self.node.verify(key["value"], ADA, **there)["code"], "VALID")
        batch = self.node.post("/v1/verify/batch", {"keys": [{"key": key["value"]}]}, **there)
        self.assertTrue(batch.json["results"][0]["valid"])
        self.assertEqual(self.node.sign_in(ADA, key["value"], **there), 200)
        for path in ("/healthz", "/readyz", "/metrics"):
            self.assertEqual(self.node.get(path, **there).status, 200, path)
        for operation in MANAGED:
            path = operation.path("acme", key["id"])
            answer = self.node.request(operation.method, path, operation.body, token=self.token, **there)
            self.assertEqual(answer.status, 404, operation.id)
        self.assertEqual(self.node.get("/openapi.yaml", **there).status, 404)
        self.assertEqual(self.node.verify(key["value"])["version"], 1)


@unittest.skipIf(ADDRESS is None, "this machine has no address but loopback")
class BeyondLoopback(NodeTest):
    FLAGS = ("--listen", f"{ADDRESS}:0")

    def test_verify_needs_a_token_with_its_scope(self):
        key = self.node.create(self.token)["value"]
        for path, body in (("/v1/verify", {"key": key}), ("/v1/verify/batch", {"keys": [{"key": key}]})):
            anonymous = self.node.post(path, body)
            self.assertEqual((anonymous.status, anonymous.headers["www-authenticate"]),
                             (401, 'Bearer realm="keyledger"'))
            rest = " ".join(set(ALL_SCOPES.split()) - {"keys:verify"})
            self.assertEqual(self.node.post(path, body, token=self.node.token(scope=rest)).status, 403)
            allowed = self.node.post(path, body, token=self.node.token(scope="keys:verify"))
            self.assertEqual(allowed.status, 200)
            self.assertIn(b'"VALID"', allowed.body)

    def test_forward_auth_is_not_there(self):
        key = self.node.create(self.token)["value"]
        for path in ("/v1/forward-auth", "/v1/forward-auth/x"):
            for headers in ({"Authorization": basic(ADA, key)}, {"X-API-Key": key}, {}):
                answer = self.node.get(path, headers=headers)
                self.assertEqual((answer.status, answer.json["type"]), (404, "urn:keyledger:problem:not-found"))

    def test_a_header_does_not_make_a_caller_local(self):
        key = self.node.create(self.token)["value"]
        for name, value in (("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"),
                            ("X-Real-IP", "127.0.0.1"), ("Host", "127.0.0.1")):
            answer = self.node.get("/v1/forward-auth", headers={"Authorization": basic(ADA, key), name: value})
            self.assertEqual(answer.status, 404, name)

    def test_the_address_is_recorded(self):
        key = self.node.create(self.token)
        trail = self.node.get(f"/v1/accounts/acme/keys/{key['id']}/events", token=self.token).json["events"]
        self.assertEqual(trail[0]["data"]["actor"]["address"], ADDRESS)

    def test_a_validation_listener_there_asks_for_no_token(self):
        with Node(self.work / "other", "--listen", f"{ADDRESS}:0", "--verify-listen", f"{ADDRESS}:0") as node:
            key = node.create(node.token())["value"]
            there = {"fresh": True, "port": node.verify_port}
            self.assertEqual(node.verify(key, **there)["code"], "VALID")
            self.assertEqual(node.sign_in(ADA, key, **there), 200)


if __name__ == "__main__":
    unittest.main()
