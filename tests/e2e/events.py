"""Reads server-sent events as the WHATWG's HTML standard has them, over a real connection."""

import http.client
import json
import urllib.parse

from node import DEADLINE


class Event:
    """One event: `id` (a position), `kind` ("message" where the stream names none), `data` as text."""

    def __init__(self, last_id, kind, data):
        self.id = int(last_id)
        self.kind = kind
        self.data = data

    @property
    def json(self):
        return json.loads(self.data)

    @property
    def type(self):
        return self.json["type"].removeprefix("keyledger.")

    def __repr__(self):
        return f"{self.id} {self.kind} {self.data[:200]}"


class EventStream:
    """A GET of an event stream; iterating gives its events until the server ends it.

    `last_id` is what a browser would resume with: heartbeats move it too. `heartbeats` counts them.
    """

    def __init__(self, port, path="/v1/events", token=None, headers=None, host="127.0.0.1", context=None, **query):
        self.last_id, self.heartbeats, self.retry = "", 0, None
        self._connection = (http.client.HTTPSConnection(host, port, timeout=DEADLINE, context=context) if context
                            else http.client.HTTPConnection(host, port, timeout=DEADLINE))
        headers = {"Accept": "text/event-stream", **(headers or {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}", headers=headers)
        self.response = self._connection.getresponse()
        self.status = self.response.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.response.close()
        self._connection.close()

    def __iter__(self):
        kind, data = "", []
        while line := self.response.readline():
            line = line.decode().rstrip("\n")
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if data:
                    yield Event(self.last_id, kind or "message", "\n".join(data))
                kind, data = "", []
            elif name == "":
                self.heartbeats += 1
            elif name == "id":
                self.last_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.retry = int(value)

    def take(self, count):
        """The next `count` events."""
        events = []
        for event in self:
            events.append(event)
            if len(events) == count:
                break
        assert len(events) == count, f"the stream ended after {events}"
        return events
