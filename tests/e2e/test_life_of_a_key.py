"""The seed's whole story, against the real program over real sockets."""

import unittest

from node import ADA, NodeTest

KEYS = "/v1/accounts/acme/keys"


class LifeOfAKey(NodeTest):
    def test_made_copied_used_disabled_enabled_renamed_and_deleted(self):
        made = self.node.post(KEYS, {"name": "Nightly sync script", "description": "At 02:00"}, token=self.token)
        self.assertEqual(made.status, 201)
        key, value = made.json, made.json["value"]
        path = f"{KEYS}/{key['id']}"
        self.assertEqual(made.headers["location"], path)
        self.assertTrue(key["enabled"])

        listed = self.node.get(KEYS, token=self.token).json["keys"]
        self.assertEqual(listed, [{name: key[name] for name in key if name != "value"}])
        copied = self.node.post(f"{path}/reveal", token=self.token)
        self.assertEqual(copied.json, {"value": value})
        self.assertEqual(self.node.sign_in(ADA, value), 200)

        disabled = self.node.patch(path, {"enabled": False, "reason": "laptop lost"}, token=self.token)
        self.assertEqual((disabled.status, disabled.json["enabled"]), (200, False))
        self.assertEqual(self.node.sign_in(ADA, value, fresh=True), 401)
        self.assertEqual(self.node.verify(value)["code"], "DISABLED")

        self.node.patch(path, {"enabled": True}, token=self.token)
        self.assertEqual(self.node.sign_in(ADA, value, fresh=True), 200)

        renamed = self.node.patch(path, {"name": "Zapier", "description": None}, token=self.token)
        self.assertEqual((renamed.json["name"], renamed.json["description"]), ("Zapier", None))
        self.assertEqual(self.node.verify(value, ADA)["name"], "Zapier")

        self.assertEqual(self.node.delete(f"{path}?reason=done", token=self.token).status, 204)
        self.assertEqual(self.node.sign_in(ADA, value, fresh=True), 401)
        self.assertEqual(self.node.verify(value)["code"], "NOT_FOUND")
        self.assertEqual(self.node.delete(path, token=self.token).status, 404)
        self.assertEqual(self.node.get(KEYS, token=self.token).json["keys"], [])

        trail = self.node.get(f"{path}/events", token=self.token).json["events"]
        self.assertEqual([event["type"] for event in trail],
                         ["keyledger.KeyCreated", "keyledger.KeyValueRevealed", "keyledger.KeyDisabled",
                          "keyledger.KeyEnabled", "keyledger.KeyRenamed", "keyledger.KeyDescribed",
                          "keyledger.KeyDeleted"])
        self.assertEqual([event["data"].get("reason") for event in trail if "reason" in event["data"]],
                         ["laptop lost", "done"])
        for event in trail:
            self.assertEqual(event["data"]["actor"]["username"], ADA)
            self.assertEqual(event["data"]["actor"]["address"], "127.0.0.1")


if __name__ == "__main__":
    unittest.main()
