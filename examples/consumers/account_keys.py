#!/usr/bin/env python3
"""Keeps the list of one account's API keys, from keyledger's events in Kafka alone.

usage: account_keys.py --bootstrap HOST:PORT --account ACCOUNT --store FILE [--prefix keyledger] [--follow]

Reads the log from where the store left off, from its first event where the store is new, and prints the account's keys
as JSON, oldest first: at the log's end, and with --follow again after each change. Wants what requirements.txt names.

What to take over from it into a program of one's own:
- `read_committed`: what no transaction committed is no event.
- A command's events are applied together, and the position is written in the same transaction as what they change. So
  the process may be killed at any time, and an event that comes twice changes nothing: its position was passed.
- The partition is assigned, at that position. What the consumer group remembers plays no part.
- An event of an old term, or of a command that was applied before, is passed over; there is none on a healthy log.
- An unknown type is passed over, unless the event says that it is critical.
- Where an event can't be read or applied, nothing after it is applied, until an EventQuarantined further on says that it
  is to be passed over, as every read model of keyledger does: with --follow that is waited for. So the log is looked
  through for such facts first. What one names is passed over even if it could be applied; where it was applied before
  the fact came, the list is made anew from the first event.
"""

import argparse
import contextlib
import functools
import json
import sqlite3
import sys

from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

SCHEMA = """
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER, term TEXT);
INSERT OR IGNORE INTO progress VALUES (1, 0, '');
CREATE TABLE IF NOT EXISTS commands (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passed_over (position INTEGER PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, name TEXT, description TEXT, enabled INTEGER, value_hint TEXT,
                                 created_at TEXT, expires_at TEXT, version INTEGER);
"""
COLUMNS = ("id", "name", "description", "enabled", "value_hint", "created_at", "expires_at", "version")


class CannotApply(Exception):
    """Why the events of the command that begins at `position` can't be applied."""

    def __init__(self, position, why):
        super().__init__(f"position {position}: {why}")
        self.position = position


class AppliedBefore(Exception):
    """Events were applied that are to be passed over: the list must be made anew."""


class Quarantines:
    """What the log says further on of events that are to be passed over."""

    def __init__(self):
        self._facts = []

    def look_at(self, position, value):
        """Keeps what the record says of events before it, if it is an EventQuarantined."""
        if b"EventQuarantined" not in value:
            return
        with contextlib.suppress(Exception):  # What can't be read says nothing.
            event = JSONFormat().read(None, value)
            fact = event.get_data()
            if event.get_type() == "keyledger.EventQuarantined" and fact["position"] <= fact["last_position"] < position:
                self._facts.append(fact)

    def of(self, position):
        """The data of the first fact that names `position`, or None."""
        return next((fact for fact in self._facts if fact["position"] <= position <= fact["last_position"]), None)


class AccountKeys:
    """The keys of one account, in a file of SQLite, as the events up to `position` left them."""

    def __init__(self, path, account):
        self.account = account
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(SCHEMA)
        self._run = []  # (position, event) of a command whose last event hasn't come yet.

    @property
    def position(self):
        return self._db.execute("SELECT position FROM progress").fetchone()[0]

    def keys(self):
        rows = self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM keys ORDER BY id")
        return [dict(zip(COLUMNS, row)) | {"enabled": bool(row[3])} for row in rows]

    def take(self, position, value, quarantines):
        """Takes the next record of the log. Returns whether the account's keys may have changed.

        Raises CannotApply and changes nothing; what comes next is then what follows `position`, the property, again.
        """
        if position <= self.position:
            return False
        run, self._run = self._run, []
        begins_at = run[0][0] if run else position
        if not run and (fact := quarantines.of(position)):
            return self._pass_over(position, fact)
        try:
            run.append((position, JSONFormat().read(None, value)))
            if not is_whole([event for _, event in run]):
                self._run = run
                return False
            with self._transaction():
                changed = self._apply_run(run)
                self._db.execute("UPDATE progress SET position = ?", (position,))
                return changed
        except (AppliedBefore, sqlite3.OperationalError):
            raise
        except Exception as why:  # Its bytes may be anything, and what they lack shows anywhere.
            raise CannotApply(begins_at, repr(why)) from why

    def forget(self):
        """Is as new."""
        self._run = []
        with self._transaction():
            for table in ("commands", "passed_over", "keys"):
                self._db.execute(f"DELETE FROM {table}")
            self._db.execute("UPDATE progress SET position = 0, term = ''")

    @contextlib.contextmanager
    def _transaction(self):
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _pass_over(self, position, fact):
        """Passes over the record at `position`, which `fact` names. Nobody knows what it did to the key: so that is off."""
        with self._transaction():
            self._db.execute("INSERT INTO passed_over VALUES (?)", (position,))
            if position == fact["position"]:
                self._db.execute("UPDATE keys SET enabled = 0, version = max(version, ?) WHERE id = ?",
                                 (fact.get("keyversion", 0), fact.get("key")))
            self._db.execute("UPDATE progress SET position = ?", (position,))
        return fact.get("account") == self.account

    def _apply_run(self, run):
        return self._is_to_be_applied(run[0][1]) and any([self._apply(*one) for one in run])

    def _is_to_be_applied(self, first):
        command, term = first.get_extension("commandid"), first.get_extension("term")
        if not command:
            return True  # The ledger's own.
        if term and term != self._db.execute("SELECT term FROM progress").fetchone()[0]:
            return False
        return self._db.execute("INSERT OR IGNORE INTO commands VALUES (?)", (command,)).rowcount == 1

    def _apply(self, position, event):
        kind = event.get_type().removeprefix("keyledger.")
        data = event.get_data()
        if kind == "WriterElected":
            self._db.execute("UPDATE progress SET term = ?", (event.get_id(),))
            return False
        if kind == "EventQuarantined":
            self._check_passed_over(position, data)
            return False
        if kind not in TYPES and event.get_extension("critical"):
            raise ValueError(f"the type {event.get_type()} is critical, and this program doesn't know it")
        if event.get_extension("account") != self.account or kind not in CHANGES:
            return False
        self._check_version(kind, event)
        if kind == "KeyCreated":
            self._db.execute("INSERT INTO keys (id) VALUES (?)", (event.get_subject(),))
        if kind == "KeyDeleted":
            self._db.execute("DELETE FROM keys WHERE id = ?", (event.get_subject(),))
        else:
            self._set(event, CHANGES[kind](event, data))
        return True

    def _check_passed_over(self, position, fact):
        """What was applied that is to be passed over is of this account, or nobody knows whose it is."""
        if fact["last_position"] >= position:
            return  # It says nothing: see Quarantines.
        known = self._db.execute("SELECT 1 FROM passed_over WHERE position = ?", (fact["position"],)).fetchone()
        if not known and fact.get("account", self.account) == self.account:
            raise AppliedBefore(fact["position"])

    def _check_version(self, kind, event):
        row = self._db.execute("SELECT version FROM keys WHERE id = ?", (event.get_subject(),)).fetchone()
        if (row is None) != (kind == "KeyCreated") or event.get_extension("keyversion") != (row[0] if row else 0) + 1:
            raise ValueError(f"{kind} does not follow from what was before")

    def _set(self, event, members):
        members = {**members, "version": event.get_extension("keyversion")}
        columns = ", ".join(f"{name} = ?" for name in members)
        self._db.execute(f"UPDATE keys SET {columns} WHERE id = ?", (*members.values(), event.get_subject()))


# What each type makes of a key: the columns that change.
CHANGES = {
    "KeyCreated": lambda event, data: {
        "name": data["name"], "description": data.get("description"), "enabled": data["enabled"],
        "value_hint": data["value_hint"], "expires_at": data.get("expires_at"),
        "created_at": json_time(event.get_time())},
    "KeyEnabled": lambda event, data: {"enabled": True},
    "KeyDisabled": lambda event, data: {"enabled": False},
    "KeyRenamed": lambda event, data: {"name": data["name"]},
    "KeyDescribed": lambda event, data: {"description": data.get("description")},
    "KeyExpiryChanged": lambda event, data: {"expires_at": data.get("expires_at")},
    "KeyDeleted": lambda event, data: {},
}
TYPES = {*CHANGES, "KeyValueRevealed", "AccountRegistered", "AccountUsernameChanged", "LedgerCreated", "WriterElected",
         "EventQuarantined"}


def is_whole(run):
    """Whether these are all events of one command, and not only the first of them."""
    places = [event.get_extension("commandplace") or "1/1" for event in run]
    count = int(places[0].split("/")[1])
    if places != [f"{index}/{count}" for index in range(1, len(run) + 1)]:
        raise ValueError("the events of a command are broken off")
    if len({event.get_extension("commandid") for event in run}) > 1:
        raise ValueError("the events of two commands are mixed")
    return len(run) == count


def json_time(at):
    """As keyledger's API writes an instant: RFC 3339, in UTC, with microseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def records_after(consumer, topic, position):
    """(position, value) of each record after `position`; (position, None) each time that the log's end is reached."""
    # An event's position is its offset + 1: so this offset is the one after it.
    consumer.assign([TopicPartition(topic, 0, position or OFFSET_BEGINNING)])
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if not message.error():
            yield message.offset() + 1, message.value() or b""
        elif message.error().code() == KafkaError._PARTITION_EOF:
            yield message.offset(), None
        else:
            raise KafkaException(message.error())


def look_ahead(records, halt, may_wait):
    """What `records` say, up to the log's end, of events that are to be passed over: where the list stands still for
    `halt`, a CannotApply, up to a record that names it. None where the log has none and nobody `may_wait` for it."""
    quarantines = Quarantines()
    for position, value in records:
        if value is not None:
            quarantines.look_at(position, value)
        elif halt is None:
            return quarantines
        elif not may_wait:
            return None
        if halt and quarantines.of(halt.position):
            return quarantines
    return None


def lists(keys, records_after_position, follow):
    """The keys, each time that they are to be shown."""
    halt, is_at_end = None, False
    while True:
        quarantines = look_ahead(records_after_position(keys.position), halt, follow)
        if quarantines is None:
            sys.exit(f"{halt}: and no EventQuarantined says that it is to be passed over")
        halt = None
        try:
            for position, value in records_after_position(keys.position):
                changed = value is not None and keys.take(position, value, quarantines)
                if (changed and is_at_end) or (value is None and not is_at_end):
                    yield keys.keys()
                is_at_end = is_at_end or value is None
                if value is None and not follow:
                    return
        except CannotApply as why:
            halt = why
            if follow:
                print(f"{why}: nothing after it is applied before it is quarantined", file=sys.stderr, flush=True)
        except AppliedBefore as position:
            print(f"position {position} was applied and is to be passed over: anew", file=sys.stderr, flush=True)
            keys.forget()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--prefix", default="keyledger")
    parser.add_argument("--follow", action="store_true")
    arguments = parser.parse_args()
    keys = AccountKeys(arguments.store, arguments.account)
    consumer = Consumer({"bootstrap.servers": arguments.bootstrap, "group.id": "keyledger-example",
                         "enable.auto.commit": False, "isolation.level": "read_committed",
                         "enable.partition.eof": True})
    records = functools.partial(records_after, consumer, f"{arguments.prefix}.key-events")
    with contextlib.closing(consumer):
        for shown in lists(keys, records, arguments.follow):
            print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    sys.exit(main())
