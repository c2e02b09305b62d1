"""Holds the log against what the clients of tests/linearizability asked for and were told (history.jsonl)."""

import collections

import ledger

NOBODY_ASKED = ("LedgerCreated", "WriterElected")
MOST_SCHEMAS = 1000  # Events that are held against their schemas: it takes a millisecond each.


class LogCheck:
    """`events`: all that `keyledger replay` prints; `attempts`: all lines of history.jsonl. See check()."""

    def __init__(self, events, attempts):
        self.events = events
        self.attempts = attempts
        self.commands = {attempt["request_id"]: attempt for attempt in attempts
                         if attempt["input"]["kind"] not in ("get", "verify")}
        self.runs = {}  # Request id to the events that it left, without the account's registration.
        self.of_key = collections.defaultdict(list)  # Idempotency-Key to the requests that left something.
        self.ids = {attempt["key"]: attempt["output"]["id"] for attempt in attempts if "id" in attempt["output"]}
        self.states = {}  # (Key id, version) to what the key was then: name and enabled.

    def check(self):
        """Every acknowledged command is there exactly once, every other one at most once, and nothing else."""
        ledger.check_order(self.events, dense=False)
        ledger.check_versions(self.events)
        ledger.check_schemas(self.events[::1 + len(self.events) // MOST_SCHEMAS])
        self._collect_runs()
        self._collect_states()
        self._check_idempotency()
        for request, attempt in self.commands.items():
            self._check_outcome(request, attempt)

    def _collect_runs(self):
        registered, of_command = 0, {}
        for event in self.events:
            kind = event["type"].removeprefix("keyledger.")
            if kind in NOBODY_ASKED:
                continue
            request = event["data"]["actor"].get("request_id")
            assert request in self.commands, f"nobody asked for {event}"
            assert of_command.setdefault(event["commandid"], request) == request, f"of two requests: {event}"
            if kind == "AccountRegistered":
                registered += 1
                continue
            _check_wish(kind, event, self.commands[request]["input"])
            run = self.runs.setdefault(request, [])
            assert not run or run[-1]["commandid"] == event["commandid"], f"carried out twice: {run} and {event}"
            run.append(event)
        assert registered <= 1, "the account was registered twice"

    def _collect_states(self):
        now = {}
        for event in self.events:
            key, kind, data = event.get("subject"), event["type"].removeprefix("keyledger."), event["data"]
            if key is None:
                continue
            name, enabled = now.get(key, (None, None))
            if kind in ("KeyCreated", "KeyRenamed"):
                name = data["name"]
            if kind == "KeyCreated":
                enabled = data["enabled"]
            elif kind in ("KeyEnabled", "KeyDisabled"):
                enabled = kind == "KeyEnabled"
            now[key] = self.states[key, event["keyversion"]] = (name, enabled)

    def _check_idempotency(self):
        """Requests with one Idempotency-Key left one command together, at most: by what we sent, and by the log."""
        hashes = collections.defaultdict(set)
        for request, run in self.runs.items():
            key = self.commands[request].get("idempotency_key")
            assert ("idempotencykey" in run[-1]) == (key is not None), f"{self.commands[request]} left {run}"
            if key is not None:
                self.of_key[key].append(request)
                hashes[run[-1]["idempotencykey"]].add(request)
        doubled = [requests for requests in (*self.of_key.values(), *hashes.values()) if len(requests) > 1]
        assert not doubled, f"an Idempotency-Key was carried out twice: {doubled}"

    def _check_outcome(self, request, attempt):
        told, wish, run = attempt["output"], attempt["input"], self.runs.get(request)
        if told["result"] in ("refused", "absent", "mismatch"):
            assert run is None, f"nothing was written, it said, of {attempt}, and it left {run}"
        if told["result"] != "done":
            return
        if attempt.get("replayed"):
            first, = self.of_key[attempt["idempotency_key"]] or [None]
            assert first is not None, f"acknowledged and not in the log: {attempt}"
            run = self.runs[first]
        if run is None:
            self._check_changed_nothing(attempt)
            return
        what = f"{attempt} left {run}"
        assert run[-1]["position"] == attempt["position"], f"acknowledged at another position: {what}"
        if wish["kind"] != "delete":
            shown = (told["name"], told.get("enabled", False))
            assert run[-1]["keyversion"] == told["version"] and self.states[run[-1]["subject"], told["version"]] == shown, what
        if wish["kind"] == "create":
            assert run[-1]["subject"] == told["id"] == self.ids[attempt["key"]], what

    def _check_changed_nothing(self, attempt):
        """It was acknowledged and left nothing: so the key was already as it was wanted."""
        told, wish = attempt["output"], attempt["input"]
        lost = f"acknowledged and not in the log: {attempt}"
        assert wish["kind"] == "change", lost
        state = self.states.get((self.ids[attempt["key"]], told["version"]))
        assert state == (told["name"], told.get("enabled", False)), f"{lost}; it was {state}"
        assert (wish.get("name", state[0]), wish.get("enabled", state[1])) == state, lost


def _check_wish(kind, event, wish):
    what = f"{wish} left {event}"
    data = event["data"]
    if kind == "KeyCreated":
        assert wish["kind"] == "create" and (data["name"], data["enabled"]) == (wish["name"], wish["enabled"]), what
    elif kind == "KeyDeleted":
        assert wish["kind"] == "delete", what
    elif kind == "KeyRenamed":
        assert wish["kind"] == "change" and data["name"] == wish.get("name"), what
    elif kind in ("KeyEnabled", "KeyDisabled"):
        assert wish["kind"] == "change" and wish.get("enabled") == (kind == "KeyEnabled"), what
    else:
        raise AssertionError(f"nobody asks for that here: {event}")
