"""The change feed: the log as server-sent events, from any position on, live, behind nginx, to those who may see it."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

import nginx
from events import EventStream
from node import ALL_SCOPES, DEADLINE, Node, NodeTest, SharedNodeTest, at_once, eventually, run
from ports import ReservedPort
from test_tls import TlsTest


class Feed(SharedNodeTest):
    def stream(self, token=None, headers=None, **query):
        stream = EventStream(self.node.port, token=token or self.token, headers=headers, **query)
        self.addCleanup(stream.close)
        return stream

    def any_account(self):
        return self.node.token(self.account, scope=ALL_SCOPES)

    def change(self, key, **members):
        answer = self.node.patch(f"{self.keys}/{key['id']}", members, token=self.token)
        self.assertEqual(answer.status, 200, answer)
        return answer.position

    def refused(self, status, token=None, headers=None, **query):
        path = "/v1/events?" + urllib.parse.urlencode(query)
        answer = self.node.get(path, token=token or self.token, headers=headers)
        self.assertEqual(answer.status, status, answer)
        return answer


class Following(Feed):
    def test_from_zero_the_account_gets_its_history_and_then_what_happens(self):
        key = self.create(name="a")
        stream = self.stream(after=0)
        self.assertEqual(stream.status, 200)
        self.assertEqual([event.type for event in stream.take(2)], ["AccountRegistered", "KeyCreated"])
        position = self.change(key, name="b")
        live = stream.take(1)[0]
        self.assertEqual((live.id, live.type, live.json["data"]["name"]), (position, "KeyRenamed", "b"))

    def test_data_is_what_lies_in_the_log_byte_for_byte(self):
        key = self.create(name="Zürich \u2028 \U0001f511", description="a: b\\n\"")
        self.change(key, enabled=False, reason="lost")
        replay = run("replay", "--data-dir", self.node.data_dir, "--account", self.account)[0].split("\n")[:-1]
        for event, line in zip(self.stream(after=0).take(3), replay, strict=True):
            self.assertEqual('{"position":' + f"{event.id}," + event.data[1:], line)

    def test_without_a_position_it_begins_with_the_first_event(self):
        self.create()
        self.assertEqual(self.stream().take(2)[0].type, "AccountRegistered")

    def test_last_event_id_resumes_and_counts_more_than_the_url(self):
        self.create()
        self.create()
        events = self.stream(after=0).take(3)
        again = self.stream(headers={"Last-Event-ID": str(events[1].id)}, after=0).take(1)[0]
        self.assertEqual((again.id, again.data), (events[2].id, events[2].data))

    def test_a_position_that_is_to_come_is_waited_for(self):
        key = self.create()
        here = self.change(key, name="b")
        stream = self.stream(after=here + 1)
        self.change(key, name="c")
        position = self.change(key, name="d")
        self.assertEqual(stream.take(1)[0].id, position)

    def test_types_are_all_that_comes(self):
        key = self.create()
        self.change(key, name="b", enabled=False)
        for types in ("KeyDisabled", "keyledger.KeyDisabled", "KeyDeleted,KeyDisabled"):
            with self.stream(after=0, type=types) as stream:
                self.assertEqual(stream.take(1)[0].type, "KeyDisabled")

    def test_the_first_bytes_come_at_once_and_say_where_it_is(self):
        key = self.create()
        here = self.change(key, name="b")
        stream = self.stream(after=here, type="KeyDeleted")
        lines = [stream.response.readline().decode() for _ in range(3)]
        self.assertEqual(lines, ["retry: 2000\n", f"id: {here}\n", "\n"])

    def test_it_may_neither_be_stored_nor_be_gathered_by_a_proxy(self):
        headers = self.stream(after=0).response.headers
        self.assertEqual((headers["Content-Type"], headers["Cache-Control"], headers["X-Accel-Buffering"]),
                         ("text/event-stream", "no-cache, no-store", "no"))
        self.assertEqual(headers["Transfer-Encoding"], "chunked")
        self.assertIn("Keyledger-Position", headers)

    def test_head_tells_of_it_and_ends(self):
        answer = self.node.request("HEAD", "/v1/events", token=self.token)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/event-stream"))

    def test_while_many_write_nobody_misses_an_event_or_gets_one_twice(self):
        first = self.create()
        begun = self.node.get(f"{self.keys}/{first['id']}", token=self.token).position
        clients = [self.node.client(checks=False) for _ in range(4)]
        for client in clients:
            self.addCleanup(client.close)

        def write(client):
            for number in range(50):
                client.create(self.token, self.account, name=f"key {number}")

        def follow():
            # Begun at any moment of the writing: catching up must pass into going on live.
            seen = []
            after = begun
            while len(seen) < 200:
                with self.stream(after=after) as stream:
                    seen += stream.take(min(37, 200 - len(seen)))
                after = seen[-1].id
            return [event.id for event in seen]

        results = at_once(*[lambda client=client: write(client) for client in clients], follow, follow, follow)
        wanted = [event["position"] for event in self.events() if event["position"] > begun]
        self.assertEqual(len(wanted), 200)
        for ids in results[4:]:
            self.assertEqual(ids, wanted)


class Walls(Feed):
    def test_it_takes_a_token_with_events_read(self):
        self.create()
        self.assertEqual(self.node.get("/v1/events").status, 401)
        self.refused(403, token=self.node.token(self.account, scope="keys:read audit:read"))
        stream = self.stream(token=self.node.token(self.account, scope="events:read"), after=0)
        self.assertEqual(stream.take(2)[1].type, "KeyCreated")

    def test_another_account_is_not_there(self):
        self.create()
        self.refused(404, account="somebody-else")
        self.refused(404, account="../..")
        mine = self.refused(404, account="somebody-else", token=self.token).json
        self.assertEqual(mine["type"], "urn:keyledger:problem:not-found")

    def test_an_account_gets_nothing_of_another(self):
        other = f"{self.account}-b"
        self.node.create(self.node.token(other), other)
        self.create()
        self.node.create(self.node.token(other), other)
        key = self.create()
        events = self.stream(after=0).take(3)
        self.assertEqual({event.json["account"] for event in events}, {self.account})
        self.assertEqual(events[2].json["subject"], key["id"])

    def test_with_accounts_any_comes_everything_the_ledgers_own_too(self):
        other = f"{self.account}-b"
        self.create()
        self.node.create(self.node.token(other), other)
        replay = run("replay", "--data-dir", self.node.data_dir)[0].splitlines()
        events = self.stream(token=self.any_account(), after=0).take(len(replay))
        self.assertEqual([event.id for event in events], [json.loads(line)["position"] for line in replay])
        self.assertEqual(events[0].type, "LedgerCreated")
        only = self.stream(token=self.any_account(), after=0, account=other).take(2)
        self.assertEqual({event.json["account"] for event in only}, {other})
        elected = self.stream(token=self.any_account(), after=0, type="WriterElected").take(1)
        self.assertEqual(elected[0].type, "WriterElected")

    def test_what_can_not_be_read_is_400(self):
        for query in ({"after": "-1"}, {"after": "x"}, {"after": 2**64 - 1}, {"since": 1}):
            self.refused(400, **query)
        for seen in ("x", "-1", "1 ", "1.0", str(2**64)):
            if seen.strip() == seen:
                self.refused(400, headers={"Last-Event-ID": seen})
        self.refused(406, headers={"Accept": "application/json"})


class Ends(NodeTest):
    def stream(self, **query):
        stream = EventStream(self.node.port, token=self.token, **query)
        self.addCleanup(stream.close)
        return stream

    def test_at_shutdown_every_subscriber_is_told_why_and_resumes_on_the_next_start(self):
        self.node.create(self.token)
        streams = [self.stream(after=0) for _ in range(5)]
        last = [stream.take(2)[1] for stream in streams][0]
        self.node.stop()
        for stream in streams:
            events = list(stream)
            self.assertEqual([event.kind for event in events], ["end"])
            self.assertIn("stopping", events[0].json["reason"])
        self.node.start()
        self.node.create(self.token, name="later")
        again = EventStream(self.node.port, token=self.token, headers={"Last-Event-ID": str(last.id)})
        self.addCleanup(again.close)
        self.assertEqual(again.take(1)[0].json["data"]["name"], "later")

    def test_who_resumes_on_a_log_that_was_restored_from_an_older_backup_is_told(self):
        self.node.create(self.token)
        self.node.stop()
        shutil.copytree(self.node.data_dir, f"{self.node.data_dir}-backup")
        self.node.start()
        self.node.create(self.token)
        with self.stream(after=0) as stream:
            last = stream.take(3)[2].id
        self.node.stop()
        shutil.rmtree(self.node.data_dir)
        os.rename(f"{self.node.data_dir}-backup", self.node.data_dir)
        self.node.start()
        for resumed in ({"headers": {"Last-Event-ID": str(last + 1)}}, {"after": last + 1}):
            with EventStream(self.node.port, token=self.token, **resumed) as stream:
                [event] = list(stream)
                self.assertEqual((event.kind, event.json["code"]), ("end", "beyond-end"))

    def test_two_hundred_subscribers_all_get_every_event_and_are_counted(self):
        key = self.node.create(self.token)
        streams = [self.stream(after=0) for _ in range(200)]
        for stream in streams:
            stream.take(2)
        self.assertEqual(self.gauge("keyledger_feed_subscribers"), 200)
        positions = [self.node.patch(f"/v1/accounts/acme/keys/{key['id']}", {"name": f"name {number}"},
                                     token=self.token).position for number in range(20)]
        for stream in streams:
            self.assertEqual([event.id for event in stream.take(20)], positions)
        self.assertEqual(self.gauge("keyledger_feed_events_total"), 200 * 22)
        for stream in streams:
            stream.close()
        eventually(lambda: self.gauge("keyledger_feed_subscribers") == 0, "the node notices that they went")

    def gauge(self, name):
        lines = self.node.get("/metrics").body.decode().splitlines()
        return float(next(line for line in lines if line.startswith(name + " ")).split()[1])



class OverTls(TlsTest):
    def test_it_waits_and_goes_on_over_tls_too(self):
        with EventStream(self.node.port, token=self.token, host="localhost", context=self.context(), after=0) as stream:
            stream.take(2)
            connection = self.connection()
            for number in range(50):
                answer = self.ask(connection, "POST", "/v1/accounts/acme/keys", f'{{"name": "key {number}"}}',
                                  Authorization=f"Bearer {self.token}", Content_Type="application/json")
                self.assertEqual(stream.take(1)[0].id, answer.position)
            self.node.stop()
            self.assertEqual([event.kind for event in stream], ["end"])


class BehindNginx(unittest.TestCase):
    """A proxy that signs its users in and adds the bearer token: nothing is set there for the feed's sake."""

    def test_events_come_through_nginx_as_they_happen_and_resume(self):
        with contextlib.ExitStack() as stack:
            work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyledger-feed-")))
            listen = stack.enter_context(contextlib.closing(ReservedPort()))
            node = stack.enter_context(Node(work / "data"))
            token = node.token()
            key = node.create(token)
            process = subprocess.Popen(
                nginx.sign_in(work, listen.address, f"127.0.0.1:{node.port}", token),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait, DEADLINE)
            stack.callback(process.send_signal, signal.SIGTERM)
            stream = stack.enter_context(eventually(lambda: self.connect(listen.number), "nginx listens"))
            self.assertEqual([event.type for event in stream.take(2)], ["AccountRegistered", "KeyCreated"])
            for number in range(5):
                answer = node.patch(f"/v1/accounts/acme/keys/{key['id']}", {"name": f"n{number}"}, token=token)
                # Each before the next is written: nginx holds none back.
                self.assertEqual(stream.take(1)[0].id, answer.position)
            with EventStream(listen.number, headers={"Last-Event-ID": stream.last_id}) as again:
                position = node.patch(f"/v1/accounts/acme/keys/{key['id']}", {"enabled": False}, token=token).position
                self.assertEqual(again.take(1)[0].id, position)

    @staticmethod
    def connect(port):
        with contextlib.suppress(OSError):
            return EventStream(port, after=0)
        return None


if __name__ == "__main__":
    unittest.main()
