"""Accounts, keys and lists "as of" a position or a time, against a fold of the replayed log made here."""

import datetime
import json
import unittest

from node import ALL_SCOPES, NodeTest, eventually, run

KEYS = "/v1/accounts/acme/keys"


def fold(events, position):
    """The account's username and its keys by id, right after the event at `position`."""
    username, keys = None, {}
    for event in events:
        if event["position"] > position:
            break
        kind, data = event["type"].removeprefix("keyledger."), event["data"]
        if event.get("account") != "acme":
            continue
        if kind in ("AccountRegistered", "AccountUsernameChanged"):
            username = data["username"]
            continue
        identity = event["subject"]
        if kind == "KeyCreated":
            keys[identity] = {"id": identity, "created_at": event["time"]}
        if kind in ("KeyEnabled", "KeyDisabled"):
            keys[identity]["enabled"] = kind == "KeyEnabled"
        for member in ("name", "description", "enabled", "expires_at", "value_hint"):
            if member in data:
                keys[identity][member] = data[member]
        keys[identity]["version"] = event["keyversion"]
        if kind == "KeyDeleted":
            del keys[identity]
    return username, keys


class AsOf(NodeTest):
    def setUp(self):
        super().setUp()
        node, token = self.node, self.token
        first = node.create(token, name="zebra", description="the first")
        node.put("/v1/accounts/globex", {"username": "eve@example.com"}, token=node.token(scope=ALL_SCOPES))
        second = node.create(token, name="apple", enabled=False)
        node.patch(f"{KEYS}/{first['id']}", {"name": "mango", "description": None, "enabled": False}, token=token)
        node.put("/v1/accounts/acme", {"username": "lovelace@example.com"}, token=token)
        node.post(f"{KEYS}/{second['id']}/reveal", token=token)
        node.patch(f"{KEYS}/{second['id']}", {"expires_at": "2099-01-01T00:00:00Z"}, token=token)
        node.delete(f"{KEYS}/{first['id']}", token=token)
        node.create(token, name="Banana")
        self.first = first["id"]
        self.values = {key["id"]: key["value"] for key in (first, second)}
        self.events = [json.loads(line) for line in run("replay", "--data-dir", node.data_dir)[0].splitlines()]
        self.end = self.events[-1]["position"]

    def ask(self, path, as_of, **kwargs):
        return self.node.get(f"{path}{'&' if '?' in path else '?'}as_of={as_of}", token=self.token, **kwargs)

    def check(self, as_of, position):
        username, keys = fold(self.events, position)
        account = self.ask("/v1/accounts/acme", as_of)
        self.assertEqual(account.status, 200 if username else 404, as_of)
        if username:
            self.assertEqual(account.json["username"], username)
        self.assertEqual(self.ask(KEYS, as_of).json["keys"], sorted(keys.values(), key=lambda key: key["id"]))
        by_name = self.ask(f"{KEYS}?sort=name&order=desc", as_of).json["keys"]
        self.assertEqual([key["name"] for key in by_name],
                         sorted((key["name"] for key in keys.values()), key=str.lower, reverse=True))
        one = self.ask(f"{KEYS}/{self.first}", as_of)
        self.assertEqual(one.status, 200 if self.first in keys else 404, as_of)
        if self.first in keys:
            self.assertEqual(one.json, keys[self.first])
            self.assertEqual(one.headers["etag"], f"\"v{keys[self.first]['version']}\"")
        for identity, value in self.values.items():
            self.check_verdict(as_of, position, value, username, keys.get(identity))

    def check_verdict(self, as_of, position, value, username, key):
        if key is None:
            expected = {"valid": False, "code": "NOT_FOUND", "position": position}
        else:
            expected = {"valid": key["enabled"], "code": "VALID" if key["enabled"] else "DISABLED", "account": "acme",
                        "username": username, "key_id": key["id"], "name": key["name"],
                        "expires_at": key.get("expires_at"), "version": key["version"], "position": position}
        self.assertEqual(self.node.verify(value, query=f"?as_of={as_of}", token=self.token), expected)

    def test_a_verdict_is_judged_at_its_moment_and_told_to_auditors_of_the_account_alone(self):
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
        key = self.node.create(self.token, expires_at=moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        made = self.node.get("/healthz").position
        eventually(lambda: self.node.verify(key["value"])["code"] == "EXPIRED", "the key expires")
        self.node.create(self.token)  # It has expired by the time of this event.
        after = self.node.get("/healthz").position

        def code(as_of, username=None, token=self.token):
            return self.node.verify(key["value"], username, query=f"?as_of={as_of}", token=token)["code"]

        self.assertEqual(code(made), "VALID")
        self.assertEqual(code(after), "EXPIRED")
        self.assertEqual(code(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")), "EXPIRED")
        earlier = moment - datetime.timedelta(microseconds=1)
        self.assertEqual(code(earlier.strftime("%Y-%m-%dT%H:%M:%S.%fZ")), "VALID")
        self.assertEqual(code(made, "somebody"), "USERNAME_MISMATCH")
        self.assertEqual(code(made - 1), "NOT_FOUND")
        self.assertEqual(code(made, token=self.node.token("globex", "eve@example.com")), "NOT_FOUND")
        self.assertEqual(code(made, token=self.node.token("globex", "eve@example.com", scope=ALL_SCOPES)), "VALID")
        body = {"key": key["value"]}
        path = f"/v1/verify?as_of={made}"
        self.assertEqual(self.node.post(path, body).status, 401)
        self.assertEqual(self.node.post(path, body, token=self.node.token(scope="keys:verify")).status, 403)
        self.assertEqual(self.node.post(f"/v1/verify?as_of={after + 1}", body, token=self.token).status, 400)
        self.assertEqual(self.node.post(f"/v1/verify/batch?as_of={made}", {"keys": [body]}, token=self.token).status,
                         400)

    def test_every_position_is_what_a_replay_up_to_it_says(self):
        for position in range(self.end + 1):
            self.check(position, position)

    def test_every_time_is_what_a_replay_up_to_it_says(self):
        one = datetime.timedelta(microseconds=1)
        for event in self.events:
            time = datetime.datetime.fromisoformat(event["time"])
            last = max(e["position"] for e in self.events if e["time"] <= event["time"])
            self.check(event["time"], last)
            before = [e["position"] for e in self.events if e["time"] < event["time"]]
            self.check((time - one).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), max(before, default=0))
        self.check("1999-12-31T23:59:59Z", 0)
        with_offset = datetime.datetime.fromisoformat(self.events[-1]["time"]) + datetime.timedelta(hours=2)
        self.check(with_offset.strftime("%Y-%m-%dT%H:%M:%S.%f") + "+02:00", self.end)

    def test_pages_stay_at_their_moment_while_keys_change(self):
        moment = self.end
        _, keys = fold(self.events, moment)
        seen, cursor = [], ""
        while True:
            page = self.ask(f"{KEYS}?limit=1{cursor}", moment).json
            seen += page["keys"]
            self.node.create(self.token, name="made meanwhile")
            self.node.delete(f"{KEYS}/{seen[-1]['id']}", token=self.token)
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        self.assertEqual(seen, sorted(keys.values(), key=lambda key: key["id"]))

        cursor = self.ask(f"{KEYS}?limit=1", moment).json["next_cursor"]
        for other in (f"{KEYS}?limit=1&cursor={cursor}", f"{KEYS}?limit=1&cursor={cursor}&as_of={moment - 1}"):
            self.assertEqual(self.node.get(other, token=self.token).status, 400, other)

    def test_what_is_to_come_or_no_moment_is_refused(self):
        for path in ("/v1/accounts/acme", KEYS, f"{KEYS}/{self.first}"):
            for as_of in (self.end + 1, "99999999999999999999999", "", "-1", "now", "2999-01-01T00:00:00Z", "0x1"):
                self.assertEqual(self.ask(path, as_of).status, 400, (path, as_of))

    def test_of_another_account_nothing_is_told(self):
        stranger = self.node.token("globex", "eve@example.com")
        for path in ("/v1/accounts/acme", KEYS, f"{KEYS}/{self.first}"):
            self.assertEqual(self.node.get(f"{path}?as_of=5", token=stranger).status, 404, path)


if __name__ == "__main__":
    unittest.main()
