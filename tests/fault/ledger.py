"""Holds what `keyledger replay` prints against itself and against the models of all clients."""

import collections
import json
import re

from node import openapi_check, run


def replay(data_dir):
    return [json.loads(line) for line in run("replay", "--data-dir", data_dir)[0].splitlines()]


def check_order(events, dense=True):
    """Positions that grow (`dense`: by one), ids that come once, times that never go back, whole runs, and terms that
    follow elections.
    """
    positions = [event["position"] for event in events]
    assert positions == sorted(set(positions)), "positions don't grow"
    assert not dense or positions == list(range(1, len(events) + 1)), "positions are not dense"
    assert len({event["id"] for event in events}) == len(events), "two events have one id"
    times = [event["time"] for event in events]
    assert times == sorted(times), "a time lies before its predecessor's"
    assert [event["type"] for event in events].count("keyledger.LedgerCreated") == 1
    assert events[0]["type"] == "keyledger.LedgerCreated"

    term, ended, place, count = None, set(), 0, 0
    for before, event in zip([None] + events, events):
        if event["type"] == "keyledger.WriterElected":
            term = event["id"]
        elif event["type"] != "keyledger.LedgerCreated":
            assert event["term"] == term, f"of another term than the latest election's: {event}"
        if before is None or event["commandid"] != before["commandid"]:
            assert place == count, f"the run before this one is not whole: {event}"
            assert event["commandid"] not in ended, f"a command was recorded twice: {event}"
            ended.add(event["commandid"])
            place = 0
        place += 1
        of, count = map(int, re.fullmatch(r"(\d+)/(\d+)", event["commandplace"]).groups())
        assert place == of, f"not at its place in its command: {event}"
    assert place == count, "the last run is not whole"


def check_versions(events):
    """Every key's versions are 1, 2, 3, …, and its first event its only KeyCreated."""
    versions = collections.defaultdict(int)
    for event in events:
        if "subject" not in event:
            continue
        key, kind = event["subject"], event["type"].removeprefix("keyledger.")
        assert (kind == "KeyCreated") == (versions[key] == 0), f"created twice, or not at first: {event}"
        if kind != "KeyValueRevealed":
            versions[key] += 1
        assert event["keyversion"] == versions[key], f"its version should be {versions[key]}: {event}"


def check_clients(events, clients):
    """The log has what each client's commands should have left, in its order and once, and nothing else."""
    of_account = collections.defaultdict(list)
    for event in events:
        if "account" in event:
            of_account[event["account"]].append(event)
    strangers = set(of_account) - {client.account for client in clients}
    assert not strangers, f"events of accounts that nobody has: {strangers}"
    for client in clients:
        _check_client(of_account[client.account], client)


def check_schemas(events):
    for event in events:
        openapi_check.check_event(event)


def _check_client(events, client):
    left = iter(events)
    keys_of_commands = {}
    for command in client.commands:
        for fact in command.facts:
            event = next(left, None)
            what = f"{client.account}: the log should have {fact} of {command}, and has {event}"
            assert event is not None, what
            kind = event["type"].removeprefix("keyledger.")
            assert (kind, event.get("subject")) == (fact.type, fact.key), what
            if fact.version is not None:
                assert event["keyversion"] == fact.version, what
            for name, value in fact.data.items():
                assert event["data"].get(name) == value, f"{what}: {name}"
            # One of this command's attempts made it; which one, the client can't know.
            assert event["data"]["actor"]["request_id"] in command.request_ids, what
        if command.facts:
            assert event["position"] == command.answer.position, f"acknowledged at another position: {what}"
            known = keys_of_commands.setdefault(event["idempotencykey"], event["commandid"])
            assert known == event["commandid"], f"an Idempotency-Key was carried out twice: {what}"
    more = next(left, None)
    assert more is None, f"{client.account}: nobody was told of {more}"
