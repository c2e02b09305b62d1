"""Clients that give random commands to a node which dies under them, each with its own model of what must hold then.

A client owns an account and all of its keys, and gives one command at a time. So it knows, from the answers alone,
which facts the log must have of it, what each of its keys is now, and what each key value is worth. Nothing here is
taken from keyledger's own code or log.

    client = Client("client-0", port, token, username, random.Random(1), Revoked())
    client.step()               # One random command, repeated until it is answered.
    client.check_state()        # Lists, keys and validation say what the model says.
"""

import collections
import dataclasses
import datetime
import http.client
import json
import threading
import time
import urllib.parse

from node import Answer

DEADLINE = 60  # Seconds until a command must have been answered, whatever happened in between.
PAUSE = 0.005  # Seconds between two tries to reach a node that isn't there.
NEVER = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)

Fact = collections.namedtuple("Fact", "type key version data")


@dataclasses.dataclass
class Key:
    """What a client knows of one of its keys."""

    id: str
    value: str
    shown: dict  # As a list shows it.
    deleted: bool = False

    def codes(self, before, after):
        """What validation may say of it that was asked at some time from `before` to `after`."""
        if self.deleted:
            return {"NOT_FOUND"}
        if not self.shown["enabled"]:
            return {"DISABLED"}
        expiry = parse_time(self.shown["expires_at"]) if self.shown["expires_at"] else NEVER
        return ({"VALID"} if before < expiry else set()) | ({"EXPIRED"} if expiry <= after else set())


@dataclasses.dataclass
class Command:
    """A request with what the client expects of it, and what came of it."""

    name: str
    method: str
    path: str
    body: dict = None
    headers: dict = dataclasses.field(default_factory=dict)
    key: Key = None
    facts: list = dataclasses.field(default_factory=list)  # That it leaves in the log when it succeeds.
    request_ids: list = dataclasses.field(default_factory=list)  # One for each attempt.
    answer: Answer = None


class Revoked:
    """Key values of which a disabling or deletion was acknowledged, and whose enabling nobody asked for since."""

    def __init__(self):
        self._lock = threading.Lock()
        self._since = {}  # Value to the number of its revocation.
        self._count = 0

    def add(self, value):
        with self._lock:
            self._count += 1
            self._since[value] = self._count

    def remove(self, value):
        with self._lock:
            self._since.pop(value, None)

    def sample(self, rng, most):
        with self._lock:
            known = list(self._since.items())
        return rng.sample(known, min(most, len(known)))

    def still_holds(self, value, since):
        """Whether `value` was revoked all the time since it was sampled."""
        with self._lock:
            return self._since.get(value) == since


class Caller:
    """Sends requests to a port, on one connection while it lasts."""

    def __init__(self, port, token=None):
        self.port = port
        self.token = token
        self._connection = None
        self.broken = 0  # Answers that never came.

    def attempt(self, method, path, body=None, headers=None):
        """The answer, or None where there was none: nobody was there, or died before it was whole."""
        headers = dict(headers or {})
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body)
        self._connection = self._connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        except TimeoutError as error:
            raise AssertionError(f"{method} {path}: no answer in {DEADLINE} s, on a connection that holds") from error
        except (OSError, http.client.HTTPException):
            self.close()
            self.broken += 1
            return None

    def until_answered(self, method, path, body=None, headers=None, on_attempt=dict):
        """Tries again after every broken connection and 503, with what headers `on_attempt` adds to each attempt."""
        deadline = time.monotonic() + DEADLINE
        while True:
            answer = self.attempt(method, path, body, {**(headers or {}), **on_attempt()})
            if answer is not None and answer.status != 503:
                return answer
            assert time.monotonic() < deadline, f"{method} {path} wasn't answered in {DEADLINE} s; at last: {answer}"
            time.sleep(PAUSE)

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Client:
    """One account's owner. `step` gives one command; all that was given is in `commands`, in order."""

    def __init__(self, account, port, token, username, rng, revoked):
        self.account = account
        self.username = username
        self.former_usernames = []
        self.registered = False
        self.rng = rng
        self.revoked = revoked
        self.caller = Caller(port, token)
        self.keys = []  # Of every key that was ever made, deleted ones too.
        self.commands = []
        self.repeats = 0
        self.position = 0  # The newest that an answer named.
        self._requests = 0

    @property
    def _keys_path(self):
        return f"/v1/accounts/{self.account}/keys"

    def step(self):
        """One random command, and now and then a question or a command of before once more."""
        kinds = {self._create: 6, self._change: 14, self._delete: 2, self._reveal: 3, self._put_account: 2}
        command = self.rng.choices(list(kinds), list(kinds.values()))[0]()
        if command is None:
            return
        self._send(command)
        chance = self.rng.random()
        if chance < 0.2:
            self.check_key(self.rng.choice(self.keys) if self.keys else None)
        elif chance < 0.3:
            self.repeat(self.rng.choice(self.commands))

    # What a command asks for, and the facts that it should leave.

    def _create(self):
        body = {"name": self._text()}
        if self.rng.random() < 0.5:
            body["description"] = self._text()
        if self.rng.random() < 0.2:
            body["enabled"] = False
        if self.rng.random() < 0.3:
            body["expires_at"] = self._expiry()
        facts = [] if self.registered else [Fact("AccountRegistered", None, None, {"username": self.username})]
        facts.append(Fact("KeyCreated", None, 1, {
            "name": body["name"], "description": body.get("description"), "enabled": body.get("enabled", True),
            "expires_at": body.get("expires_at")}))
        return Command("create", "POST", self._keys_path, body, facts=facts)

    def _change(self):
        key = self._some_key()
        if key is None:
            return None
        body = {}
        for member, make in (("name", self._text), ("description", lambda: self.rng.choice([None, self._text()])),
                             ("enabled", lambda: self.rng.random() < 0.5), ("expires_at", self._expiry)):
            if self.rng.random() < 0.4:
                body[member] = make()
        if self.rng.random() < 0.1 and body:  # As it is already: no fact.
            body = {member: key.shown[member] for member in body}
        if self.rng.random() < 0.3:
            body["reason"] = "changed at random"
        facts, version = [], key.shown["version"]
        for member, kind in (("name", "KeyRenamed"), ("description", "KeyDescribed"), ("expires_at", "KeyExpiryChanged"),
                             ("enabled", "KeyEnabled" if body.get("enabled") else "KeyDisabled")):
            if member in body and body[member] != key.shown[member]:
                version += 1
                facts.append(Fact(kind, key.id, version, {} if member == "enabled" else {member: body[member]}))
        headers = {"Content-Type": "application/merge-patch+json"}
        if self.rng.random() < 0.2:
            headers["If-Match"] = f'"v{key.shown["version"] + self.rng.choice([0, 0, 0, 1])}"'
        return Command("change", "PATCH", f"{self._keys_path}/{key.id}", body, headers, key, facts)

    def _delete(self):
        key = self._some_key()
        if key is None:
            return None
        reason = {"reason": "no longer used"} if self.rng.random() < 0.5 else {}
        query = "?" + urllib.parse.urlencode(reason, quote_via=urllib.parse.quote) if reason else ""
        facts = [Fact("KeyDeleted", key.id, key.shown["version"] + 1, reason)]
        return Command("delete", "DELETE", f"{self._keys_path}/{key.id}{query}", key=key, facts=facts)

    def _reveal(self):
        key = self._some_key()
        if key is None:
            return None
        facts = [Fact("KeyValueRevealed", key.id, key.shown["version"], {})]
        return Command("reveal", "POST", f"{self._keys_path}/{key.id}/reveal", key=key, facts=facts)

    def _put_account(self):
        username = f"{self.account}-{self.rng.randrange(10)}@example.com"
        facts = []
        if not self.registered:
            facts = [Fact("AccountRegistered", None, None, {"username": username})]
        elif username != self.username:
            facts = [Fact("AccountUsernameChanged", None, None, {"username": username})]
        return Command("put account", "PUT", f"/v1/accounts/{self.account}", {"username": username}, facts=facts)

    def _some_key(self):
        """One of its keys: a deleted one now and then."""
        if self.rng.random() < 0.03:
            return self.rng.choice(self.keys) if self.keys else None
        live = [key for key in self.keys[-40:] if not key.deleted]
        return self.rng.choice(live) if live else None

    def _text(self):
        return self.rng.choice(["Zapier", "Büro-Server", "夜間同期", "🔑 sync"]) + f" {self.rng.randrange(10**6)}"

    def _expiry(self):
        """None, far off, or so near that it passes during the test."""
        chance = self.rng.random()
        if chance < 0.3:
            return None
        ahead = self.rng.uniform(0.3, 5) if chance < 0.6 else self.rng.uniform(10**5, 10**7)
        at = now() + datetime.timedelta(seconds=ahead)
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    # What comes of it.

    def _send(self, command):
        command.headers["Idempotency-Key"] = f"{self.account}-{len(self.commands)}"
        if command.key is not None and (command.body or {}).get("enabled"):
            self.revoked.remove(command.key.value)  # From here on nobody knows.
        command.answer = self._until_answered(command, command.request_ids)
        self._judge(command)
        self.commands.append(command)

    def _until_answered(self, command, request_ids):
        def next_id():
            self._requests += 1
            request_ids.append(f"{self.account}-r{self._requests}")
            return {"X-Request-Id": request_ids[-1]}
        answer = self.caller.until_answered(command.method, command.path, command.body, command.headers, next_id)
        assert answer.headers.get("x-request-id") == request_ids[-1], f"another request's answer: {answer}"
        return answer

    def _judge(self, command):
        """Holds the first answer against the model, and takes over what it acknowledges."""
        answer, expected = command.answer, self._expected_status(command)
        what = f"{command} expected {expected}"
        assert answer.status in expected, what
        if answer.status >= 400:
            command.facts = []
            if command.key is not None and (command.key.deleted or not command.key.shown["enabled"]):
                self.revoked.add(command.key.value)
            return
        assert answer.position >= self.position, f"{what}: its position is before {self.position}"
        self.position = answer.position
        if command.name == "put account":
            self._rename_account(command.body["username"])
            assert answer.json["username"] == self.username, what
        elif command.name == "create":
            self.registered = True
            self._take_new_key(command)
        elif command.name == "change":
            for member in set(command.body) - {"reason"}:
                command.key.shown[member] = command.body[member]
            command.key.shown["version"] += len(command.facts)
            assert answer.json == command.key.shown, f"{what}: the model has {command.key.shown}"
            if not command.key.shown["enabled"]:
                self.revoked.add(command.key.value)
        elif command.name == "delete":
            command.key.deleted = True
            self.revoked.add(command.key.value)
        else:
            assert answer.json == {"value": command.key.value}, what

    def _expected_status(self, command):
        if command.key is not None and command.key.deleted:
            return {404}
        if "If-Match" in command.headers and command.headers["If-Match"] != f'"v{command.key.shown["version"]}"':
            return {412}
        expiry = (command.body or {}).get("expires_at")
        if expiry is not None and parse_time(expiry) <= now():  # It may have passed before the command got there.
            return {200, 201, 422}
        if command.name == "put account":
            return {200 if self.registered else 201}
        return {{"create": 201, "change": 200, "delete": 204, "reveal": 200}[command.name]}

    def _rename_account(self, username):
        if self.registered and username != self.username:
            self.former_usernames.append(self.username)
        self.username, self.registered = username, True

    def _take_new_key(self, command):
        shown = dict(command.answer.json)
        value = shown.pop("value")
        data = command.facts[-1].data
        for member in ("name", "description", "enabled", "expires_at"):
            assert shown[member] == data[member], f"{command}: {member}"
        assert shown["version"] == 1 and value not in [key.value for key in self.keys], command
        command.facts[-1] = Fact("KeyCreated", shown["id"], 1, {**data, "value_hint": shown["value_hint"]})
        command.key = Key(shown["id"], value, shown)
        self.keys.append(command.key)
        if not shown["enabled"]:
            self.revoked.add(value)

    # What is asked afterwards.

    def repeat(self, command):
        """Gives a command once more: it must get the first answer again, and leave nothing."""
        if not command.facts:
            return  # Refusals and what changed nothing are decided anew: there is no first answer.
        first = command.answer
        self.repeats += 1
        again = self._until_answered(command, [])
        what = f"{command.method} {command.path}: first {first}, then {again}"
        if command.name == "reveal" and command.key.deleted:
            assert again.status == 410, what
            return
        assert again.headers.get("idempotency-replayed") == "true", what
        assert (again.status, again.position) == (first.status, first.position), what
        for header in ("etag", "location"):
            assert again.headers.get(header) == first.headers.get(header), what
        expected = dict(first.json) if first.json is not None else None
        if command.name == "create" and command.key.deleted:
            expected.pop("value")
        assert again.json == expected, what

    def check_key(self, key):
        """The key as the API shows it, and what validation says of it, must be as the model has it."""
        if key is None:
            return
        newest = {"Keyledger-Min-Position": str(self.position)}
        answer = self.caller.until_answered("GET", f"{self._keys_path}/{key.id}", headers=newest)
        if key.deleted:
            assert answer.status == 404, f"{key}: {answer}"
        else:
            assert answer.status == 200 and answer.json == key.shown, f"{key}: {answer}"
        before = now()
        verdict = self.caller.until_answered("POST", "/v1/verify", {"key": key.value, "username": self.username}, newest)
        expected = key.codes(before, now())
        assert verdict.status == 200 and verdict.json["code"] in expected, f"{key}: {expected}, but {verdict}"
        assert verdict.json["valid"] == (verdict.json["code"] == "VALID"), verdict
        if verdict.json["code"] != "NOT_FOUND":
            named = {name: verdict.json[name] for name in ("account", "username", "key_id", "name", "version")}
            assert named == {"account": self.account, "username": self.username, "key_id": key.id,
                             "name": key.shown["name"], "version": key.shown["version"]}, f"{key}: {verdict}"

    def check_state(self):
        """Every key and its value, the list of keys, and the account."""
        for key in self.keys:
            self.check_key(key)
        live = [key for key in self.keys if not key.deleted]
        listed, cursor = [], ""
        while cursor is not None:
            page = self.caller.until_answered("GET", f"{self._keys_path}?limit=100{cursor}").json
            listed += page["keys"]
            cursor = page["next_cursor"] and "&cursor=" + urllib.parse.quote(page["next_cursor"])
        by_id = {shown["id"]: shown for shown in listed}
        assert len(by_id) == len(listed), "a key is listed twice"
        assert by_id == {key.id: key.shown for key in live}, f"{self.account}: another list than the model's"
        if self.registered:
            account = self.caller.until_answered("GET", f"/v1/accounts/{self.account}").json
            assert account["username"] == self.username, account
        for former in set(self.former_usernames) - {self.username}:
            for key in live[:1]:
                verdict = self.caller.until_answered("POST", "/v1/verify", {"key": key.value, "username": former})
                assert verdict.json["code"] == "USERNAME_MISMATCH", verdict


def wait_until(condition, what):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE} s in vain for {what}"
        time.sleep(PAUSE)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def parse_time(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
