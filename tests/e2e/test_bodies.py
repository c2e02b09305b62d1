"""What a request's body must be: JSON, of a bounded size, with the members that the operation knows."""

import json
import unittest

from node import SharedNodeTest
from operations import OPERATIONS, WITH_BODY

KIB = 1024
NO_JSON = [b"", b" ", b"{", b'{"name":"a"', b'{"name":"a",}', b"{'name':'a'}", b"{name:1}", b"NaN", b"{}{}", b"{} x",
           b'{"name":"a\x01"}', b'{"name":"\\ud800"}', b'{"name":"\\x"}', b"01", b"\x00", b"{}\x00", b"// a\n{}",
           '{"name":"ä"}'.encode("utf-16")]
NO_UTF_8 = [b'{"name":"\xff"}', b'{"name":"\xc0\xaf"}', b'{"name":"\xed\xa0\x80"}', b'{"name":"\xf4\x90\x80\x80"}',
            b'{"name":"\xe2\x82"}', b'{"\xff":1}']

# For each operation: a body, and the pointers that its refusal must have.
BROKEN_RULES = {
    "putAccount": [
        ({}, ["/username"]), ({"username": None}, ["/username"]), ({"username": 1}, ["/username"]),
        ({"username": ""}, ["/username"]), ({"username": "a:b"}, ["/username"]), ({"username": "a\nb"}, ["/username"]),
        ({"username": "a" * 255}, ["/username"]), ({"username": "ä" * 128}, ["/username"]),
        ({"username": "a", "scope": 1}, ["/scope"]),
    ],
    "createKey": [
        ({}, ["/name"]), ({"name": None}, ["/name"]), ({"name": 1}, ["/name"]), ({"name": ["a"]}, ["/name"]),
        ({"name": ""}, ["/name"]), ({"name": "a" * 201}, ["/name"]), ({"name": "\U0001f511" * 201}, ["/name"]),
        ({"name": "a\u0000"}, ["/name"]), ({"name": "a\u0085"}, ["/name"]), ({"name": "a\n"}, ["/name"]),
        ({"name": "a", "description": 1}, ["/description"]),
        ({"name": "a", "description": "a" * 2001}, ["/description"]),
        ({"name": "a", "description": "\u0007"}, ["/description"]), ({"name": "a", "enabled": "yes"}, ["/enabled"]),
        ({"name": "a", "enabled": None}, ["/enabled"]), ({"name": "a", "enabled": 1}, ["/enabled"]),
        ({"name": "a", "expires_at": "tomorrow"}, ["/expires_at"]), ({"name": "a", "expires_at": 4e9}, ["/expires_at"]),
        ({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}, ["/expires_at"]),
        ({"name": "a", "expires_at": "2999-02-30T00:00:00Z"}, ["/expires_at"]),
        ({"name": "a", "expires_at": "2999-01-01T00:00:00"}, ["/expires_at"]),
        ({"name": "a", "reason": "b"}, ["/reason"]), ({"name": "a", "value": "b"}, ["/value"]),
        ({"name": "a", "id": "b", "version": 2}, ["/id", "/version"]),
    ],
    "changeKey": [
        ({"name": None}, ["/name"]), ({"name": ""}, ["/name"]), ({"name": "a" * 201}, ["/name"]),
        ({"description": []}, ["/description"]), ({"description": "a" * 2001}, ["/description"]),
        ({"enabled": None}, ["/enabled"]), ({"enabled": 0}, ["/enabled"]), ({"reason": ""}, ["/reason"]),
        ({"reason": "a" * 501}, ["/reason"]), ({"reason": None}, ["/reason"]), ({"reason": "a\tb"}, ["/reason"]),
        ({"expires_at": False}, ["/expires_at"]), ({"expires_at": "2020-01-01T00:00:00Z"}, ["/expires_at"]),
        ({"name": 1, "enabled": 1, "expires_at": 1, "x": 1}, ["/enabled", "/expires_at", "/name", "/x"]),
    ],
    "verify": [
        ({}, ["/key"]), ({"key": 1}, ["/key"]), ({"key": None}, ["/key"]),
        ({"key": "a", "username": None}, ["/username"]),
        ({"key": "a", "username": 1, "scope": 1}, ["/scope", "/username"]), ({"username": "a"}, ["/key"]),
    ],
    "verifyBatch": [
        ({}, ["/keys"]), ({"keys": None}, ["/keys"]), ({"keys": {}}, ["/keys"]), ({"keys": [], "key": "a"}, ["/key"]),
        ({"keys": ["a", {"key": "b"}, {}]}, ["/keys/0", "/keys/2/key"]),
        ({"keys": [{"key": "a", "x/y": 1}]}, ["/keys/0/x~1y"]), ({"keys": [{"key": "a"}] * 1001}, ["/keys"]),
    ],
}


def nested(depth):
    return b'{"name":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


class Bodies(SharedNodeTest):
    def setUp(self):
        super().setUp()
        self.key = self.create()["id"]

    def ask(self, operation, body, **headers):
        return self.node.request(operation.method, operation.path(self.account, self.key), body, token=self.token,
                                 headers={"Content-Type": "application/json", **headers})

    def for_each(self, check, operations=tuple(WITH_BODY)):
        for operation in operations:
            with self.subTest(operation.id):
                check(operation)

    def assert_nothing_was_recorded(self):
        self.assertEqual([event["type"] for event in self.events()],
                         ["keyledger.AccountRegistered", "keyledger.KeyCreated"])

    def test_what_is_no_json_in_utf_8_is_400(self):
        def check(operation):
            for body in NO_JSON + NO_UTF_8:
                if operation.id == "revealKey" and not body:
                    continue  # It needs none.
                self.assertEqual(self.ask(operation, body).status, 400, body)

        self.for_each(check)
        self.assert_nothing_was_recorded()

    def test_an_object_that_has_a_member_twice_is_400_at_any_depth(self):
        def check(operation):
            for body in (b'{"name":"a","name":"a"}', b'{"name":"a","n\\u0061me":"b"}', b'{"x":[{"y":{"z":1,"z":2}}]}'):
                answer = self.ask(operation, body)
                self.assertEqual(answer.status, 400, body)
                self.assertIn("twice", answer.json["detail"])

        self.for_each(check)
        self.assert_nothing_was_recorded()

    def test_more_than_32_levels_are_400_and_32_are_read(self):
        def check(operation):
            for depth in (33, 1000, 30_000):
                answer = self.ask(operation, nested(depth))
                self.assertEqual(answer.status, 400, depth)
                self.assertIn("32", answer.json["detail"])
            self.assertNotEqual(self.ask(operation, nested(32)).status, 400)

        self.for_each(check)

    def test_each_rule_that_a_body_breaks_is_422_with_a_pointer_to_where(self):
        def check(operation):
            for body, pointers in BROKEN_RULES[operation.id]:
                answer = self.ask(operation, json.dumps(body))
                self.assertEqual((answer.status, answer.json["type"]), (422, "urn:keyledger:problem:invalid"), body)
                self.assertEqual(sorted(error["pointer"] for error in answer.json["errors"]), pointers, body)

        self.for_each(check, [operation for operation in WITH_BODY if operation.id != "revealKey"])
        self.assert_nothing_was_recorded()

    def test_an_unknown_member_is_422_and_its_pointer_is_escaped(self):
        def check(operation):
            answer = self.ask(operation, json.dumps({**operation.body, "a/b~c": 1, "": 1, "ä": 1}))
            self.assertEqual(answer.status, 422)
            self.assertEqual(sorted(error["pointer"] for error in answer.json["errors"]), ["/", "/a~1b~0c", "/ä"])

        self.for_each(check, [operation for operation in WITH_BODY if operation.id != "revealKey"])

    def test_a_body_that_is_no_object_is_422_and_the_pointer_is_the_whole(self):
        def check(operation):
            for body in (b"[]", b"null", b"1", b'"name"', b"true", b'[{"name":"a"}]'):
                answer = self.ask(operation, body)
                self.assertEqual((answer.status, [error["pointer"] for error in answer.json["errors"]]), (422, [""]),
                                 body)

        self.for_each(check, [operation for operation in WITH_BODY if operation.id != "revealKey"])

    def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_413(self):
        def check(operation):
            limit = (1024 if operation.id == "verifyBatch" else 64) * KIB
            body = json.dumps(operation.body or {}).encode()
            self.assertNotEqual(self.ask(operation, body.ljust(limit)).status, 413)
            # Refused by its announced length, before any of it is sent.
            path = operation.path(self.account, self.key)
            head = (f"{operation.method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self.token}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {limit + 1}\r\n\r\n")
            self.assertEqual(self.node.send(head.encode(), operation.method, path).status, 413)

        self.for_each(check, [operation for operation in OPERATIONS
                              if operation.id not in ("forwardAuth", "deleteKey", "revealKey")])

    def test_a_chunked_body_has_the_same_limit(self):
        def chunked(total):
            head = "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in
                              [b'{"key":"a"}', *[b" " * 1000] * ((total - 11) // 1000),
                               b" " * ((total - 11) % 1000 or 1)])
            return head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"

        self.assertEqual(self.node.send(chunked(64 * KIB), "POST", "/v1/verify").status, 200)
        self.assertEqual(self.node.send(chunked(64 * KIB + 1), "POST", "/v1/verify").status, 413)

    def test_a_member_of_a_body_may_be_escaped_and_anywhere_in_it(self):
        answer = self.node.post(self.keys, b'{"enabled":false,"n\\u0061me":"\\ud83d\\udd11"}', token=self.token,
                                headers={"Content-Type": "application/json"})
        self.assertEqual((answer.status, answer.json["name"], answer.json["enabled"]), (201, "\U0001f511", False))


if __name__ == "__main__":
    unittest.main()
