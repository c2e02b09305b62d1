"""What was answered survives every end of the process; and what works beside a running one."""

import http.client
import json
import shutil
import signal
import subprocess
import unittest

from node import ADA, DEADLINE, KEYLEDGER, NodeTest, at_once, eventually, read_answer, run

KEYS = "/v1/accounts/acme/keys"


class Restart(NodeTest):
    @property
    def data(self):
        return self.node.data_dir

    def story(self):
        """Keys in every state, by that state."""
        node, token = self.node, self.token
        keys = {state: node.create(token, name=state) for state in ("VALID", "DISABLED", "NOT_FOUND", "renamed")}
        node.patch(f"{KEYS}/{keys['DISABLED']['id']}", {"enabled": False, "reason": "lost"}, token=token)
        node.delete(f"{KEYS}/{keys['NOT_FOUND']['id']}", token=token)
        node.patch(f"{KEYS}/{keys['renamed']['id']}", {"name": "new", "expires_at": "2999-01-01T00:00:00Z"},
                   token=token)
        node.post(f"{KEYS}/{keys['VALID']['id']}/reveal", token=token)
        return keys

    def picture(self, keys):
        """All that can be asked about the story; two pictures are equal if nothing was lost or added."""
        get = lambda path: self.node.get(path, token=self.token)  # noqa: E731
        verdicts = [self.node.verify(key["value"], ADA) for key in keys.values()]
        for verdict in verdicts:
            del verdict["position"]  # A start appends a WriterElected.
        reveal = f"{KEYS}/{keys['VALID']['id']}/reveal"
        return (get(KEYS).json, get("/v1/accounts/acme").json, get("/v1/accounts/acme/events?limit=1000").json,
                verdicts,
                self.node.post(reveal, token=self.token, headers={"Idempotency-Key": "picture"}).json)

    def test_everything_survives_an_end_by_sigterm_and_by_sigkill(self):
        keys = self.story()
        self.picture(keys)  # The reveal is recorded once.
        before = self.picture(keys)
        second_page = self.node.get(f"{KEYS}?limit=1", token=self.token).json["next_cursor"]
        for end in (self.node.stop, self.node.kill, self.node.kill):
            position = self.node.get("/healthz").position
            end()
            self.node.start()
            self.assertEqual(self.picture(keys), before)
            self.assertGreater(self.node.get("/healthz").position, position)
            following = self.node.get(f"{KEYS}?limit=1&cursor={second_page}", token=self.token)
            self.assertEqual(following.json["keys"], before[0]["keys"][1:2])
        self.assertEqual([verdict["code"] for verdict in before[3]], ["VALID", "DISABLED", "NOT_FOUND", "VALID"])

    def test_what_was_answered_while_it_was_killed_is_there_and_nothing_is_half_there(self):
        for end in (self.node.kill, self.node.stop):
            answered, clients = [], [self.node.client(checks=False) for _ in range(4)]

            def create(client):
                while True:
                    try:
                        answer = client.post(KEYS, {"name": "a key"}, token=self.token)
                    except (OSError, EOFError, ValueError, http.client.HTTPException):
                        return
                    if answer.status != 201:
                        return
                    answered.append(answer.json)

            def finish():
                eventually(lambda: len(answered) > 40, "keys are created")
                end()

            at_once(finish, *[lambda client=client: create(client) for client in clients])
            self.node.start()
            for key in answered:
                self.assertEqual(self.node.verify(key["value"])["code"], "VALID")
            listed = {key["id"] for key in self.all_keys()}
            self.assertLessEqual({key["id"] for key in answered}, listed)
            for key in self.all_keys():
                self.assertEqual(self.node.post(f"{KEYS}/{key['id']}/reveal", token=self.token).status, 200)

    def all_keys(self):
        return self.node.get(f"{KEYS}?limit=1000", token=self.token).json["keys"]

    def test_sigterm_finishes_what_is_in_flight_and_takes_nothing_new(self):
        head = (f"POST {KEYS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self.token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 19\r\n\r\n").encode()
        with self.node.connect() as busy, self.node.connect() as idle:
            for connection in (busy, idle):  # So that both were accepted.
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(read_answer(connection).status, 200)
            busy.sendall(head + b'{"name":')
            self.node.process.send_signal(signal.SIGTERM)
            self.assertEqual(idle.recv(1), b"")  # It drains: the idle connection ends.
            eventually(lambda: self.refuses_to_connect(), "it stops listening")
            busy.sendall(b' "drained"}')
            answer = read_answer(busy, "POST")
            self.assertEqual((answer.status, answer.headers["connection"]), (201, "close"))
        self.assertEqual(self.node.process.wait(timeout=DEADLINE), 0)
        self.node.stop()
        self.node.start()
        self.assertEqual([key["name"] for key in self.all_keys()], ["drained"])

    def refuses_to_connect(self):
        try:
            self.node.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    def test_sigint_ends_it_in_order_as_well(self):
        self.node.stop(how=signal.SIGINT)

    def test_a_read_model_that_is_gone_is_folded_again_from_the_log(self):
        keys = self.story()
        self.picture(keys)
        before = self.picture(keys)
        self.node.stop()
        shutil.rmtree(self.data / "read-model")
        self.node.start()
        self.assertEqual(self.picture(keys), before)
        self.node.stop()
        live = run("projection", "checksum", "--data-dir", self.data)[0]
        shutil.rmtree(self.data / "read-model")
        self.assertEqual(run("projection", "rebuild", "--data-dir", self.data)[0], live)

    def test_a_rebuild_of_a_stopped_node_gives_the_very_same_rows(self):
        keys = self.story()
        self.node.stop()
        live = run("projection", "checksum", "--data-dir", self.data)[0]
        self.assertRegex(live, r"^[1-9][0-9]* [0-9a-f]{16,}\n$")
        for _ in range(2):
            self.assertEqual(run("projection", "rebuild", "--data-dir", self.data)[0], live)
        self.assertEqual(run("projection", "checksum", "--data-dir", self.data)[0], live)
        self.node.start()
        self.assertEqual(self.node.verify(keys["VALID"]["value"])["code"], "VALID")
        self.node.stop()
        self.assertNotEqual(run("projection", "checksum", "--data-dir", self.data)[0], live)

    def test_what_only_reads_works_beside_a_running_node(self):
        self.story()
        position = self.node.get("/healthz").position
        replayed = run("replay", "--data-dir", self.data)[0].splitlines()
        self.assertEqual([json.loads(line)["position"] for line in replayed], list(range(1, position + 1)))
        log = json.loads(run("log", "status", "--data-dir", self.data)[0])
        self.assertEqual((log["end"], log["events"]), (position, position))
        model = json.loads(run("projection", "status", "--data-dir", self.data)[0])
        self.assertEqual((model["position"], model["log_end"], model["lag"], model["log_id"]),
                         (position, position, 0, log["log_id"]))
        checksum = run("projection", "checksum", "--data-dir", self.data)[0]
        self.assertEqual(checksum.split()[0], str(position))
        self.assertEqual(self.node.get(KEYS, token=self.node.token()).status, 200)
        self.node.stop()
        self.assertEqual(run("projection", "checksum", "--data-dir", self.data)[0], checksum)

    def test_a_second_node_and_a_rebuild_are_refused_and_the_first_goes_on(self):
        keys = self.story()
        _, said = run("serve", "--data-dir", self.data, "--listen", "127.0.0.1:0", expect=1)
        error = json.loads(said.splitlines()[-1])
        self.assertEqual(error["level"], "error")
        self.assertIn(str(self.data), error["error"])
        self.assertRegex(error["error"], "another process|in use")
        _, said = run("projection", "rebuild", "--data-dir", self.data, expect=1)
        self.assertRegex(said, "another process|in use")
        self.assertEqual(self.node.verify(keys["VALID"]["value"])["code"], "VALID")
        self.assertEqual(self.node.create(self.token)["version"], 1)

    def test_a_node_whose_port_is_taken_says_so_and_ends(self):
        address = f"127.0.0.1:{self.node.port}"
        done = subprocess.run([KEYLEDGER, "serve", "--data-dir", str(self.work / "other"), "--listen", address],
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(address, json.loads(done.stderr.splitlines()[-1])["error"])


if __name__ == "__main__":
    unittest.main()
