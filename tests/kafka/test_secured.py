"""Brokers that let nodes in by TLS and a password, and to what ACLs allow: those of docs/operations.md, and no more."""

import itertools
import types
import unittest

from deployment import Deployment, leads
from kafka import Cluster, acls
from node import eventually, run

PASSWORD = "correct-horse"


def judged(node, key):
    return node.post("/v1/verify", {"key": key["value"]}, check=False).json.get("code")


class Secured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(users={"writer": PASSWORD, "validator": PASSWORD}))
        cls.prefixes = (f"secured-{number}" for number in itertools.count(1))

    def setUp(self):
        prefix = next(self.prefixes)
        self.deployment = Deployment(self.cluster, prefix)
        self.addCleanup(self.deployment.close)
        self.events, self.secrets, self.writer, self.replicas = (
            f"{prefix}.{name}" for name in ("key-events", "key-secrets", "writer", "replicas"))
        for topic in (self.events, self.secrets, self.writer, self.replicas):
            self.allow("writer", ["Read", "Write", "Describe", "DescribeConfigs"], "--topic", topic)
        self.allow("writer", ["Read"], "--group", f"{prefix}-writers")
        self.allow("writer", ["Write", "Describe"], "--transactional-id", f"{prefix}-writer")
        self.allow("validator", ["Read", "Describe", "DescribeConfigs"], "--topic", self.events)
        self.allow("validator", ["Read", "Write", "DescribeConfigs"], "--topic", self.replicas)

    def allow(self, user, operations, *resource):
        self.acl("--add", user, operations, *resource)

    def forbid(self, user, operations, *resource):
        self.acl("--remove", user, operations, *resource)

    def acl(self, change, user, operations, *resource):
        acls(self.cluster.bootstrap, change, *(["--force"] if change == "--remove" else []), "--allow-principal",
             f"User:{user}", *(word for operation in operations for word in ("--operation", operation)), *resource)

    def signed_in(self, user, password=PASSWORD):
        properties = {"security.protocol": "SASL_SSL", "ssl.ca.location": self.cluster.authority,
                      "sasl.mechanisms": "PLAIN", "sasl.username": user, "sasl.password": password}
        return [word for name, value in properties.items() for word in ("--kafka.property", f"{name}={value}")]

    def node(self, user, *flags, **kwargs):
        door = types.SimpleNamespace(bootstrap=self.cluster.secured)
        return self.deployment.node(*self.signed_in(user, **kwargs), *flags, door=door)

    def start_both(self):
        """A node that writes, one that validates, and a key."""
        writer = self.node("writer").start()
        validator = self.node("validator", "--roles", "verify").start()
        eventually(lambda: leads(writer), "it leads")
        self.token = writer.token()
        key = writer.create(self.token)
        eventually(lambda: judged(validator, key) == "VALID", "it has the key")
        return writer, validator, key

    def switch(self, node, key, enabled, **headers):
        return node.patch(f"/v1/accounts/acme/keys/{key['id']}", {"enabled": enabled}, token=self.token,
                          headers=headers)

    def test_what_the_documentation_allows_is_enough(self):
        writer, validator, key = self.start_both()
        waited = self.switch(writer, key, False, Prefer="wait=20")
        self.assertEqual((waited.status, waited.json["applied_everywhere"]), (200, True), waited)
        self.assertEqual(judged(validator, key), "DISABLED")
        for node in (writer, validator):
            self.assertFalse([line for line in node.log if "can't be checked" in line])
        flags = ["--log", "kafka", "--kafka.bootstrap", self.cluster.secured, *self.deployment.kafka[2:],
                 *self.signed_in("writer")]
        self.assertIn("KeyDisabled", run("replay", *flags)[0])
        run("topics", "check", *flags[2:])
        writer.stop()
        writer.start()
        eventually(lambda: self.switch(writer, key, True).status == 200, "it leads again")

    def test_a_node_that_may_write_no_more_takes_no_commands_and_validates_on(self):
        writer, validator, key = self.start_both()
        self.forbid("writer", ["Write"], "--topic", self.events)
        refused = eventually(lambda: self.refused(writer, key), "a command is refused")
        self.assertEqual(refused.status, 503, refused)
        self.assertIn("retry-after", refused.headers)
        for node in (writer, validator):
            eventually(lambda node=node: node.get("/readyz", fresh=True, check=False).status == 200, "it is ready")
        self.allow("writer", ["Write"], "--topic", self.events)
        eventually(lambda: self.switch(writer, key, False).status == 200, "commands are taken again")
        eventually(lambda: judged(validator, key) == "DISABLED", "it follows")

    def refused(self, node, key):
        """The answer to a command, unless it went well."""
        answer = node.post(f"/v1/accounts/acme/keys/{key['id']}/reveal", token=self.token)
        return answer if answer.status != 200 else None

    def test_a_node_that_may_read_no_more_validates_nothing(self):
        _, validator, key = self.start_both()
        self.forbid("validator", ["Read", "Describe", "DescribeConfigs"], "--topic", self.events)
        eventually(lambda: validator.get("/readyz", fresh=True, check=False).status == 503, "its lease has lapsed")
        answer = validator.post("/v1/verify", {"key": key["value"]}, check=False)
        self.assertEqual(answer.status, 503, answer)
        self.allow("validator", ["Read", "Describe", "DescribeConfigs"], "--topic", self.events)
        eventually(lambda: judged(validator, key) == "VALID", "it validates again")

    def test_a_wrong_password_is_said(self):
        node = self.node("writer", password="wrong")
        node.launch()
        eventually(lambda: any("waiting for the log" in line and "uthentication" in line for line in node.log),
                   "its log says why it waits")


if __name__ == "__main__":
    unittest.main()
