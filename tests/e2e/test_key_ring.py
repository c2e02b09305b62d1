"""The key ring file, its export for validation, and nodes that have not every role."""

import json
import os
import re
import unittest

from node import ADA, ROOT, NodeTest, run
from operations import AUDITS, MANAGED, OPERATIONS


class KeyRing(NodeTest):
    def test_init_makes_a_file_for_its_owner_alone_and_never_overwrites(self):
        ring = self.work / "ring.json"
        old = os.umask(0)
        try:
            self.assertEqual(run("keyring", "init", ring), ("", ""))
        finally:
            os.umask(old)
        self.assertEqual(ring.stat().st_mode & 0o777, 0o600)
        content = ring.read_bytes()
        _, said = run("keyring", "init", ring, expect=1)
        self.assertIn(str(ring), said)
        self.assertEqual(ring.read_bytes(), content)
        self.assertEqual(sorted(file.name for file in self.work.iterdir()), ["data", "ring.json"])
        another = self.work / "another.json"
        run("keyring", "init", another)
        mine, other = json.loads(content), json.loads(another.read_text(encoding="utf-8"))
        for secret in ("pepper", "idempotency", "envelope", "cursor", "signing"):
            self.assertNotEqual(mine[secret], other[secret])

    def test_the_ring_that_a_node_makes_is_for_its_owner_alone(self):
        self.assertEqual((self.node.data_dir / "keyring.json").stat().st_mode & 0o777, 0o600)

    def test_rotate_renews_all_but_what_the_log_rests_on(self):
        ring = self.work / "ring.json"
        run("keyring", "init", ring)
        before = json.loads(ring.read_text(encoding="utf-8"))
        run("keyring", "rotate", ring)
        after = json.loads(ring.read_text(encoding="utf-8"))
        self.assertEqual((after["pepper"], after["idempotency"]), (before["pepper"], before["idempotency"]))
        for use in ("envelope", "cursor", "signing"):
            self.assertEqual(len(after[use]), 2)
            self.assertEqual(after[use][1], before[use][0])

    def test_an_export_for_validation_has_the_pepper_and_no_other_secret(self):
        ring = self.node.data_dir / "keyring.json"
        printed, _ = run("keyring", "export", ring, "--for", "verify")
        out = self.work / "verify.json"
        self.assertEqual(run("keyring", "export", ring, "--for", "verify", "--out", out), ("", ""))
        self.assertEqual(out.stat().st_mode & 0o777, 0o600)
        self.assertEqual(json.loads(out.read_text(encoding="utf-8")), json.loads(printed))
        whole = json.loads(ring.read_text(encoding="utf-8"))
        self.assertIn(whole["pepper"], printed)
        for secret in (whole["idempotency"], whole["envelope"][0]["secret"], whole["cursor"][0]["secret"]):
            self.assertNotIn(secret, printed)
        self.assertNotIn("PRIVATE", printed)
        self.assertNotIn("signing", {use for use, value in json.loads(printed).items() if value})
        _, said = run("keyring", "export", ring, "--for", "verify", "--out", out, expect=1)
        self.assertIn(str(out), said)
        for command in (("token", "--key-ring", out, "--account", "acme"), ("keyring", "rotate", out)):
            printed, said = run(*command, expect=1)
            self.assertEqual(printed, "")
            self.assertIn("validation", said)

    def test_a_node_with_that_ring_validates_and_does_nothing_else(self):
        key, gone = self.node.create(self.token), self.node.create(self.token)
        self.node.delete(f"/v1/accounts/acme/keys/{gone['id']}", token=self.token)
        out = self.work / "verify.json"
        run("keyring", "export", self.node.data_dir / "keyring.json", "--for", "verify", "--out", out)
        self.node.stop()
        end = json.loads(run("log", "status", "--data-dir", self.node.data_dir)[0])["end"]
        (self.node.data_dir / "keyring.json").rename(self.work / "whole.json")
        self.node.flags = ["--roles", "verify", "--key-ring", str(out)]
        self.node.start()
        self.assertEqual(self.node.verify(key["value"], ADA)["code"], "VALID")
        self.assertEqual(self.node.verify(gone["value"], ADA)["code"], "NOT_FOUND")
        self.assertEqual(self.node.sign_in(ADA, key["value"]), 200)
        for operation in MANAGED:
            answer = self.node.request(operation.method, operation.path("acme", key["id"]), operation.body,
                                       token=self.token, check=False)
            self.assertEqual(answer.status, 404, operation.id)
        self.assertEqual(self.node.get("/readyz").json["ready"], True)
        self.assertEqual(self.node.get("/healthz").position, end)  # It appends nothing.


class Roles(NodeTest):
    def statuses(self):
        return {operation.id: self.node.request(operation.method, operation.path("acme"), operation.body,
                                                token=self.token, check=False).status for operation in OPERATIONS}

    def test_each_role_answers_its_own_operations(self):
        commands = {"putAccount", "createKey", "changeKey", "deleteKey", "revealKey"}
        validation = {"verify", "verifyBatch", "forwardAuth"}
        node = {"getHealth", "getReadiness", "getMetrics", "getOpenapi"}
        queries = {operation.id for operation in OPERATIONS} - commands - validation - node
        self.node.create(self.token)
        self.node.stop()
        for roles, served in (("query", queries), ("verify", validation), ("command", commands),
                              ("command,query", commands | queries), ("query,verify", queries | validation)):
            self.node.flags = ["--roles", roles]
            self.node.start()
            answered = self.statuses()
            missing_key = {"getKey", "changeKey", "deleteKey", "revealKey", "listKeyEvents"}
            for operation in OPERATIONS:
                status = answered[operation.id]
                with self.subTest(f"{operation.id} with {roles}"):
                    if operation.id not in served | node:
                        self.assertIn(status, (404, 405))
                    elif operation.id == "forwardAuth":
                        self.assertEqual(status, 401)
                    elif operation in AUDITS:  # They are not of one account.
                        self.assertIn(status, (403, 404))
                    elif operation.id not in missing_key:
                        self.assertLess(status, 300)
            self.assertEqual(self.node.get("/readyz").status, 200)
            self.node.stop()


class Version(unittest.TestCase):
    def test_it_is_that_of_the_project(self):
        cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        version = re.search(r"VERSION (\d+\.\d+\.\d+)", cmake).group(1)
        for arguments in (["version"], ["--version"]):
            self.assertEqual(run(*arguments), (f"keyledger {version}\n", ""))

    def test_help_names_every_command(self):
        said, _ = run("--help")
        for command in ("serve", "token", "keyring", "replay", "projection", "log", "audit", "version"):
            self.assertIn(command, said)
            self.assertIn("Usage", run(command, "--help")[0])


if __name__ == "__main__":
    unittest.main()
