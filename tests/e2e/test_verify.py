"""POST /v1/verify and /v1/verify/batch: the verdict on a key, and what goes with it."""

import datetime
import unittest

from node import SharedNodeTest, eventually, with_checksum
from operations import MISSING_KEY

FULL = {"valid", "code", "account", "username", "key_id", "name", "expires_at", "version", "position"}
SHORT = {"valid", "code", "position"}
def soon(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.isoformat().replace("+00:00", "Z")


class Verify(SharedNodeTest):
    def patch(self, key, **members):
        answer = self.node.patch(f"{self.keys}/{key['id']}", members, token=self.token)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def expired_key(self):
        key = self.create(expires_at=soon(0.3))
        eventually(lambda: self.node.verify(key["value"])["code"] == "EXPIRED", "the key expires")
        return key

    def test_a_good_key_is_valid_with_all_that_is_known_of_it(self):
        key = self.create(name="Käse \U0001f511", expires_at="2999-01-01T01:00:00+01:00")
        answer = self.node.verify(key["value"], "ADA@example.COM")
        self.assertEqual(set(answer), FULL)
        position = answer.pop("position")
        self.assertEqual(answer, {"valid": True, "code": "VALID", "account": self.account,
                                  "username": "ada@example.com",
                                  "key_id": key["id"], "name": "Käse \U0001f511", "version": 1,
                                  "expires_at": "2999-01-01T00:00:00.000000Z"})
        self.assertGreaterEqual(position, self.events()[-1]["position"])

    def test_what_can_not_be_a_key_is_malformed(self):
        value = self.create()["value"]
        flipped = value[:-1] + ("0" if value[-1] != "0" else "1")
        for text in ("", "kl_", "x", value[:-1], value + "0", " " + value, value + "\n", flipped, value.upper(),
                     "sk" + value[2:], value.replace("_", "-"), "\u0000", "\U0001f511" * 52, "a" * 60_000, MISSING_KEY):
            answer = self.node.verify(text)
            self.assertEqual((set(answer), answer["valid"], answer["code"]), (SHORT, False, "MALFORMED"), text[:60])

    def test_a_well_formed_value_that_nobody_was_given_is_not_found(self):
        issued = self.create()["value"]
        self.assertEqual(with_checksum(issued[:-6]), issued)
        for text in ("kl_" + "0" * 43, "kl_" + "z" * 43, issued[:-7] + ("a" if issued[-7] != "a" else "b")):
            answer = self.node.verify(with_checksum(text), "ada@example.com")
            self.assertEqual((set(answer), answer["valid"], answer["code"]), (SHORT, False, "NOT_FOUND"), text)

    def test_a_disabled_or_expired_key_is_named_but_not_valid(self):
        disabled = self.create(enabled=False)
        for key, code in ((disabled, "DISABLED"), (self.expired_key(), "EXPIRED")):
            answer = self.node.verify(key["value"])
            self.assertEqual((set(answer), answer["valid"], answer["code"]), (FULL, False, code))
            self.assertEqual((answer["account"], answer["key_id"]), (self.account, key["id"]))

    def test_a_deleted_key_is_not_found_whoever_shows_it(self):
        key = self.create()
        self.node.delete(f"{self.keys}/{key['id']}", token=self.token)
        for username in (None, "ada@example.com", "bob@example.com"):
            answer = self.node.verify(key["value"], username)
            self.assertEqual((set(answer), answer["code"]), (SHORT, "NOT_FOUND"))

    def test_another_username_is_a_mismatch_and_tells_nothing_of_the_key(self):
        key = self.create()
        for username in ("bob@example.com", "", " ada@example.com", "ada@example.com ", "ada@example.co", "a" * 1000):
            answer = self.node.verify(key["value"], username)
            self.assertEqual((set(answer), answer["valid"], answer["code"]), (SHORT, False, "USERNAME_MISMATCH"),
                             username)

    def test_letters_beyond_ascii_are_compared_with_their_case(self):
        self.node.put(f"/v1/accounts/{self.account}", {"username": "Ädä"}, token=self.token)
        key = self.create()["value"]
        self.assertEqual(self.node.verify(key, "ÄDä")["code"], "VALID")
        self.assertEqual(self.node.verify(key, "ädä")["code"], "USERNAME_MISMATCH")

    def test_the_first_code_that_holds_is_told(self):
        key = self.expired_key()
        value, stranger = key["value"], "bob@example.com"
        self.assertEqual(self.node.verify(value, stranger)["code"], "USERNAME_MISMATCH")
        self.assertEqual(self.node.verify(value)["code"], "EXPIRED")
        self.patch(key, enabled=False)
        self.assertEqual(self.node.verify(value, stranger)["code"], "USERNAME_MISMATCH")
        self.assertEqual(self.node.verify(value)["code"], "DISABLED")
        self.assertEqual(self.node.verify(value + "x", stranger)["code"], "MALFORMED")
        self.patch(key, enabled=True, expires_at=None)
        self.assertEqual(self.node.verify(value, "ada@example.com")["code"], "VALID")
        self.node.delete(f"{self.keys}/{key['id']}", token=self.token)
        self.assertEqual(self.node.verify(value, stranger)["code"], "NOT_FOUND")

    def test_the_answer_has_the_state_after_the_last_change(self):
        key = self.create()
        changed = self.patch(key, name="Zapier", expires_at="2999-01-01T00:00:00Z")
        answer = self.node.verify(key["value"])
        self.assertEqual((answer["name"], answer["version"], answer["expires_at"]),
                         ("Zapier", 3, changed["expires_at"]))

    def test_asking_for_a_verdict_records_nothing(self):
        key = self.create()
        before = self.node.get("/healthz").position
        for text in (key["value"], "garbage"):
            self.node.verify(text)
        self.assertEqual(self.node.get("/healthz").position, before)

    def test_a_batch_is_answered_in_its_order(self):
        good, disabled = self.create(), self.create(enabled=False)
        questions = [{"key": "x"}, {"key": good["value"], "username": "ada@example.com"},
                     {"key": good["value"], "username": "bob"}, {"key": disabled["value"]}, {"key": good["value"]}]
        answer = self.node.post("/v1/verify/batch", {"keys": questions})
        self.assertEqual([one["code"] for one in answer.json["results"]],
                         ["MALFORMED", "VALID", "USERNAME_MISMATCH", "DISABLED", "VALID"])
        singles = [self.node.verify(one["key"], one.get("username")) for one in questions]
        self.assertEqual(answer.json["results"], singles)

    def test_a_batch_has_up_to_1000_keys(self):
        good = self.create()["value"]
        questions = [{"key": good if i % 3 == 0 else f"x{i}"} for i in range(1000)]
        results = self.node.post("/v1/verify/batch", {"keys": questions}, check=False).json["results"]
        self.assertEqual([one["code"] for one in results],
                         ["VALID" if i % 3 == 0 else "MALFORMED" for i in range(1000)])
        refused = self.node.post("/v1/verify/batch", {"keys": questions + [{"key": good}]})
        self.assertEqual((refused.status, refused.json["errors"][0]["pointer"]), (422, "/keys"))
        self.assertEqual(self.node.post("/v1/verify/batch", {"keys": []}).json, {"results": []})

    def test_a_batch_of_a_mebibyte_is_read(self):
        good = self.create()["value"]
        questions = {"keys": [{"key": "x" * 1000, "username": "é"}] * 500 + [{"key": good}]}
        answer = self.node.post("/v1/verify/batch", questions, check=False)
        self.assertEqual((answer.status, answer.json["results"][-1]["code"]), (200, "VALID"))


if __name__ == "__main__":
    unittest.main()
