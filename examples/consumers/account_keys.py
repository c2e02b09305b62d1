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
- An unknown type is passed over, and stops the program where the event says that it is critical.
"""

import argparse
import contextlib
import json
import sqlite3
import sys

from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

SCHEMA = """
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER, term TEXT);
INSERT OR IGNORE INTO progress VALUES (1, 0, '');
CREATE TABLE IF NOT EXISTS commands (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, name TEXT, description TEXT, enabled INTEGER, value_hint TEXT,
                                 created_at TEXT, expires_at TEXT, version INTEGER);
"""
COLUMNS = ("id", "name", "description", "enabled", "value_hint", "created_at", "expires_at", "version")


class AccountKeys:
    """The keys of one account, in a file of SQLite, as the events up to `position` left them."""

    def __init__(self, path, account):
        self.account = account
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(SCHEMA)
        self._run = []  # The events of a command whose last one hasn't come yet.

    @property
    def position(self):
        return self._db.execute("SELECT position FROM progress").fetchone()[0]

    def keys(self):
        rows = self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM keys ORDER BY id")
        return [dict(zip(COLUMNS, row)) | {"enabled": bool(row[3])} for row in rows]

    def take(self, position, event):
        """Takes the next event of the log. Returns whether the account's keys may have changed."""
        if position <= self.position:
            return False
        place, of = event.get_extension("commandplace").split("/") if event.get_extension("commandplace") else (1, 1)
        self._run = [event] if int(place) == 1 else [*self._run, event]
        if len(self._run) < int(of):
            return False
        run, self._run = self._run, []
        with self._transaction():
            changed = self._is_to_be_applied(run) and any([self._apply(one) for one in run])
            self._db.execute("UPDATE progress SET position = ?", (position,))
        return changed

    @contextlib.contextmanager
    def _transaction(self):
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _is_to_be_applied(self, run):
        first = run[0]
        command, term = first.get_extension("commandid"), first.get_extension("term")
        if not command:
            return True  # The ledger's own.
        if term and term != self._db.execute("SELECT term FROM progress").fetchone()[0]:
            return False
        return self._db.execute("INSERT OR IGNORE INTO commands VALUES (?)", (command,)).rowcount == 1

    def _apply(self, event):
        kind = event.get_type().removeprefix("keyledger.")
        data = event.get_data()
        if kind == "WriterElected":
            self._db.execute("UPDATE progress SET term = ?", (event.get_id(),))
            return False
        if kind == "EventQuarantined":
            # What no read model could apply. Its key was left disabled.
            self._db.execute("UPDATE keys SET enabled = 0 WHERE id = ?", (data.get("key"),))
            return data.get("account") == self.account
        if event.get_extension("account") != self.account:
            return False
        if kind == "KeyDeleted":
            self._db.execute("DELETE FROM keys WHERE id = ?", (event.get_subject(),))
            return True
        changes = {
            "KeyCreated": lambda: self._create(event, data),
            "KeyEnabled": lambda: {"enabled": True},
            "KeyDisabled": lambda: {"enabled": False},
            "KeyRenamed": lambda: {"name": data["name"]},
            "KeyDescribed": lambda: {"description": data.get("description")},
            "KeyExpiryChanged": lambda: {"expires_at": data.get("expires_at")},
        }
        if kind in changes:
            self._set(event, changes[kind]())
            return True
        if event.get_extension("critical"):
            raise SystemExit(f"the event {event.get_id()} is of the type {event.get_type()}, which this program must know")
        return False

    def _create(self, event, data):
        self._db.execute("INSERT INTO keys (id) VALUES (?)", (event.get_subject(),))
        return {"name": data["name"], "description": data.get("description"), "enabled": data["enabled"],
                "value_hint": data["value_hint"], "expires_at": data.get("expires_at"),
                "created_at": json_time(event.get_time())}

    def _set(self, event, members):
        members = {**members, "version": event.get_extension("keyversion")}
        columns = ", ".join(f"{name} = ?" for name in members)
        self._db.execute(f"UPDATE keys SET {columns} WHERE id = ?", (*members.values(), event.get_subject()))


def json_time(at):
    """As keyledger's API writes an instant: RFC 3339, in UTC, with microseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def events_after(position, bootstrap, topic, follow):
    """(position, event) of each event after `position`; (position, None) at the log's end."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "keyledger-example", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "enable.partition.eof": True})
    with contextlib.closing(consumer):
        # An event's position is its offset + 1: so this offset is the one after it.
        consumer.assign([TopicPartition(topic, 0, position or OFFSET_BEGINNING)])
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                if message.error().code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(message.error())
                yield message.offset(), None
                if not follow:
                    return
                continue
            headers = {name: value for name, value in message.headers()}
            event = from_structured_event(KafkaMessage(headers=headers, key=message.key(), value=message.value()))
            yield message.offset() + 1, event


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--prefix", default="keyledger")
    parser.add_argument("--follow", action="store_true")
    arguments = parser.parse_args()
    keys = AccountKeys(arguments.store, arguments.account)
    is_at_end = False
    for position, event in events_after(keys.position, arguments.bootstrap, f"{arguments.prefix}.key-events",
                                        arguments.follow):
        changed = event is not None and keys.take(position, event)
        if (changed and is_at_end) or (event is None and not is_at_end):
            print(json.dumps(keys.keys()), flush=True)
        is_at_end = is_at_end or event is None


if __name__ == "__main__":
    sys.exit(main())
