"""What tests of rotating key rings do to nodes, whether they are alone or share a ring."""

import json
import signal
import threading

from node import ADA, eventually, run

KEYS = "/v1/accounts/acme/keys"


def ids(ring, use):
    return [key["id"] for key in json.loads(ring.read_text(encoding="utf-8"))[use]]


def hang_up(node, said="key ring was read again"):
    before = len(node.log)
    node.process.send_signal(signal.SIGHUP)
    eventually(lambda: any(said in line for line in node.log[before:]), f"it says '{said}'")


def prune(ring, node, *flags, **kwargs):
    printed, said = run("keyring", "prune", ring, "--data-dir", node.data_dir, *flags, **kwargs)
    return json.loads(printed) if printed else said


class Load:
    """Asks nodes without a pause, on a thread for each piece of work, from when its context begins until that ends.

    `wrong` has what was not answered as it should be, `counts` how often each piece was answered.
    """

    def __init__(self):
        self.wrong = []
        self.counts = {}
        self._stop = threading.Event()
        self._threads = []

    def add(self, name, node, work):
        """`work` is given a client of `node`, and gives back an answer."""
        self._threads.append(threading.Thread(target=self._repeat, args=(name, node, work)))

    def validate(self, key):
        """The work of validating `key`, which is good."""
        def work(client):
            answer = client.post("/v1/verify", {"key": key["value"], "username": ADA})
            if answer.json["code"] != "VALID":
                self.wrong.append(("verify", answer))
            return answer
        return work

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_until_all_are_asked(self):
        """More than twice each, from now on; or until something is wrong."""
        before = dict(self.counts)
        eventually(lambda: self.wrong or (len(self.counts) == len(self._threads) and
                                          all(count > before.get(name, 0) + 2 for name, count in self.counts.items())),
                   "each is asked again")

    def _repeat(self, name, node, work):
        client = node.client(checks=False)
        try:
            while not self._stop.is_set():
                answer = work(client)
                if answer.status not in (200, 201):
                    self.wrong.append((name, answer))
                self.counts[name] = self.counts.get(name, 0) + 1
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.wrong.append((name, error))
        finally:
            client.close()
