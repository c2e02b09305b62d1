"""Others' programs verify what a node publishes, and what it exports; and none of them is content with a history that
somebody has changed. What changes it has the disk, RocksDB and keyledger itself at hand, but no auditor's files."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from node import DEADLINE, KEYLEDGER, ROOT, Node, eventually, run

INTEROP = os.environ.get("INTEROP", str(ROOT / "build" / "dev" / "interop"))
CHANGE_HISTORY = pathlib.Path(KEYLEDGER).with_name("change_history")
AUDITOR = "audit:read accounts:any"
CHECKS = {"checkpoint", "inclusion", "consistency", "mirror", "fsck"}
KEPT = 270  # Events of the checkpoint that the auditor keeps: more than one tile has.
EVENTS = 300
CHANGED = 200  # Where history is changed: before the checkpoint that was kept.


def interop(*arguments):
    """What the checks said, by name: None for ok, else why not; and the program's own verdict, which must agree."""
    done = subprocess.run([INTEROP, *map(str, arguments)], capture_output=True, text=True, timeout=4 * DEADLINE,
                          check=False)
    said = {}
    for line in done.stdout.splitlines():
        ok, failed = re.fullmatch(r"ok (\w+)", line), re.fullmatch(r"failed (\w+): (.*)", line)
        said[(ok or failed)[1]] = failed and failed[2]
    assert done.returncode == (1 if any(said.values()) else 0), (done.returncode, done.stdout, done.stderr)
    return said


def failures(said):
    return {name for name, why in said.items() if why}


class Interoperation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="keyledger-test-")
        cls.addClassCleanup(directory.cleanup)
        cls.work = pathlib.Path(directory.name)
        cls.data = cls.work / "data"
        with Node(cls.data) as node:
            token = node.token()
            while node.create(token) and node.get("/healthz").position < KEPT:
                pass
            cls.kept = cls.work / "kept"
            cls.kept.write_bytes(cls.checkpoint_of(node))
            while node.create(token) and node.get("/healthz").position < EVENTS:
                pass
            cls.checkpoint_of(node)
            cls.vkey = run("audit", "vkey", "--data-dir", cls.data)[0].strip()

    @staticmethod
    def checkpoint_of(node):
        """The node's checkpoint, once it has all that there is."""
        headers = {"Keyledger-Min-Position": str(node.get("/healthz").position)}
        answer = node.get("/tlog/checkpoint", token=node.token(scope=AUDITOR), headers=headers)
        assert answer.status == 200, answer
        return answer.body

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="keyledger-test-")
        self.addCleanup(directory.cleanup)
        self.here = pathlib.Path(directory.name)
        self.copy = self.here / "data"
        shutil.copytree(self.data, self.copy)

    def change(self, *how):
        subprocess.run([CHANGE_HISTORY, self.copy, *map(str, how)], check=True, timeout=DEADLINE)

    def ask(self, node, *more):
        return interop("--vkey", self.vkey, "--url", f"http://{node.host}:{node.port}/tlog/", "--token",
                       node.token(scope=AUDITOR), "--since", self.kept, "--mirror", self.here / "mirror", *more)

    def verified(self, expect=0):
        """What `audit verify` says of the copy, on standard output or, where it fails, on standard error."""
        said = run("audit", "verify", "--data-dir", self.copy, "--since", self.kept, "--vkey", self.vkey, expect=expect)
        return said[1 if expect else 0]

    def test_a_served_log_is_verified_and_mirrored(self):
        with Node(self.copy) as node:
            self.assertEqual(self.verified().count(f'"size":{KEPT}'), 1)
            files = []
            for position in (1, 3, 256, 257, EVENTS):
                answer = node.get(f"/v1/events/{position}/proof", token=node.token(scope=AUDITOR))
                self.assertEqual(answer.status, 200)
                files.append(self.here / f"proof-{position}")
                files[-1].write_bytes(answer.body)
            said = self.ask(node, *[word for file in files for word in ("--proof", file)])
            self.assertEqual(said, dict.fromkeys(CHECKS | {"proof"}))
            replayed = run("replay", "--data-dir", self.copy)[0].splitlines()
        mirrored = (self.here / "mirror").read_text(encoding="utf-8").splitlines()
        self.assertGreaterEqual(len(mirrored), EVENTS)
        self.assertEqual([f'{{"position":{i + 1},{line[1:]}' for i, line in enumerate(mirrored)],
                         replayed[:len(mirrored)])

    def test_the_steps_that_the_manual_tells_auditors_work(self):
        manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        steps = re.findall(r"```sh\n(.*?)```", re.search("<!-- audit:begin -->(.*)<!-- audit:end -->", manual, re.S)[1], re.S)
        programs = self.here / "programs"
        programs.mkdir()
        (programs / "interop").symlink_to(os.path.abspath(INTEROP))
        (programs / "keyledger").symlink_to(os.path.abspath(KEYLEDGER))
        with Node(self.copy) as node:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", "".join(steps)], cwd=self.here, text=True,
                                  capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=DEADLINE,
                                  env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "DATA": str(self.copy),
                                       "URL": f"http://{node.host}:{node.port}"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([done.stdout.count(f"ok {name}\n") for name in ("mirror", "proof", "consistency", "fsck")],
                         [1, 1, 2, 3])
        self.assertIn('"type": "keyledger.AccountRegistered"', done.stdout)  # What the proof is of.
        self.assertIn("position,", done.stdout)  # The trail as CSV.
        self.assertIn('{"verified":{"size":', done.stdout)

    def test_an_exported_log_is_verified_and_any_bit_of_it_counts(self):
        exported = self.here / "exported"
        said = run("audit", "export", "--data-dir", self.copy, exported)[0]
        self.assertEqual(json.loads(said)["size"], EVENTS)
        self.assertIn("there is no checkpoint", run("audit", "export", "--data-dir", self.here, self.here / "a", expect=1)[1])
        as_kept = self.here / "as-kept"
        said = run("audit", "export", "--data-dir", self.copy, "--checkpoint", self.kept, as_kept)[0]
        self.assertEqual(json.loads(said)["size"], KEPT)
        self.assertEqual((as_kept / "checkpoint").read_bytes(), self.kept.read_bytes())
        self.assertEqual(interop("--vkey", self.vkey, "--dir", as_kept), dict.fromkeys({"checkpoint", "inclusion", "fsck"}))
        arguments = ("--vkey", self.vkey, "--dir", exported, "--since", self.kept, "--mirror", self.here / "mirror")
        self.assertEqual(interop(*arguments), dict.fromkeys(CHECKS))
        for name, expected in (("tile/entries/000", {"inclusion", "mirror", "fsck"}),
                               ("tile/0/000", {"inclusion", "mirror", "fsck"}),
                               ("tile/1/000.p/1", {"consistency", "fsck"}),
                               ("checkpoint", {"checkpoint"})):
            with self.subTest(name):
                file = exported / name
                whole = file.read_bytes()
                middle = len(whole) // 2
                file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:])
                self.assertLessEqual(expected, failures(interop(*arguments)))
                file.write_bytes(whole)

    def test_an_export_beside_a_node_that_signs_meanwhile_has_all_that_was_signed(self):
        # The log as it is later takes its place at the moment at which the export reads the checkpoint.
        note = (self.copy / "checkpoint").read_bytes()
        shutil.copytree(self.copy / "log", self.here / "later")
        self.change("shorten", CHANGED)
        (self.copy / "checkpoint").unlink()
        os.mkfifo(self.copy / "checkpoint")
        exported = self.here / "exported"
        with subprocess.Popen([KEYLEDGER, "audit", "export", "--data-dir", self.copy, exported],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as export:
            with open(self.copy / "checkpoint", "wb") as reader:
                (self.copy / "log").rename(self.here / "earlier")
                (self.here / "later").rename(self.copy / "log")
                reader.write(note)
            _, said = export.communicate(timeout=DEADLINE)
        self.assertEqual((export.returncode, said), (0, ""))
        self.assertEqual(interop("--vkey", self.vkey, "--dir", exported, "--since", self.kept),
                         dict.fromkeys(CHECKS - {"mirror"}))

    def test_history_that_was_changed_under_a_node_is_noticed_by_every_reader(self):
        for how in (("flip", CHANGED, "acme"), ("swap", CHANGED, CHANGED + 2), ("cut", CHANGED)):
            with self.subTest(how[0]):
                self.setUp()
                self.change(*how)
                self.assertIn(f"position {CHANGED} ", self.verified(expect=1))
                with Node(self.copy) as node:
                    self.assertEqual(failures(self.ask(node)), {"inclusion", "mirror", "fsck"})
                    answer = node.get(f"/v1/events/{CHANGED}/proof", token=node.token(scope=AUDITOR))
                    self.assertEqual(answer.status, 500)

    def test_a_history_that_lacks_events_is_not_served(self):
        for how, where in ((("remove", CHANGED), CHANGED), (("shorten", CHANGED), None)):
            with self.subTest(how[0]):
                self.setUp()
                self.change(*how)
                said = self.verified(expect=1)
                self.assertIn(f"position {where} " if where else f"the log has {CHANGED} events", said)
                with self.assertRaisesRegex(AssertionError, "events are lost"):
                    Node(self.copy).start()

    def test_history_that_was_changed_and_folded_anew_contradicts_what_was_signed(self):
        for how in (("flip", CHANGED, "a key"), ("swap", CHANGED, CHANGED + 1), ("remove", CHANGED),
                    ("shorten", CHANGED)):
            with self.subTest(how[0]):
                self.setUp()
                self.change(*how)
                run("projection", "rebuild", "--data-dir", self.copy)
                self.assertIn("history was", self.verified(expect=1))
                for roles in ("command,query,verify,page", "command", "verify"):
                    with self.assertRaisesRegex(AssertionError, "history was changed|events are lost"):
                        Node(self.copy, "--roles", roles).start()
                # Who has the key may sign the new history, but has signed the old one as well.
                (self.copy / "checkpoint").unlink()
                with Node(self.copy) as node:
                    self.checkpoint_of(node)
                    self.assertEqual(failures(self.ask(node)), {"consistency"})
                self.assertIn("history was", self.verified(expect=1))

    def test_an_event_that_was_made_unreadable_is_named_and_a_quarantine_does_not_make_it_good(self):
        self.change("cut", CHANGED)
        run("projection", "rebuild", "--data-dir", self.copy, expect=1)
        shutil.rmtree(self.copy / "read-model")
        self.assertIn(f"position {CHANGED} ", self.verified(expect=1))
        with Node(self.copy) as node:
            # It halts there, so it has nothing that it may sign, and shows nothing.
            self.assertEqual(failures(self.ask(node)), {"checkpoint"})
            self.assertIn(f"position {CHANGED} ", self.verified(expect=1))
            run("projection", "quarantine", CHANGED, "--data-dir", self.copy, "--reason", "never mind")
            changed = lambda: "history was changed" in node.get("/readyz").body.decode()
            eventually(changed, "it is compared with what was signed")
            self.assertEqual(failures(self.ask(node)), {"checkpoint"})
        self.assertIn(f"position {CHANGED} ", self.verified(expect=1))
        (self.copy / "checkpoint").unlink()
        with Node(self.copy) as node:
            self.checkpoint_of(node)
            self.assertEqual(failures(self.ask(node)), {"consistency"})
        self.assertIn("history was changed", self.verified(expect=1))

    def test_a_checkpoint_that_was_rewritten_is_believed_by_nobody(self):
        file = self.copy / "checkpoint"
        note = file.read_text(encoding="utf-8")
        file.write_text(note.replace(f"\n{EVENTS}\n", f"\n{EVENTS - 1}\n"), encoding="utf-8")
        self.assertIn("does not hold", self.verified(expect=1))
        with self.assertRaisesRegex(AssertionError, "can't be relied on"):
            Node(self.copy).start()
        # Nor one by another key.
        file.unlink()
        ring = self.copy / "keyring.json"
        secrets = json.loads(ring.read_text(encoding="utf-8"))
        secrets["checkpoint"] = "A" * 43
        ring.write_text(json.dumps(secrets), encoding="utf-8")
        with Node(self.copy) as node:
            self.checkpoint_of(node)
            self.assertEqual(failures(self.ask(node)), {"checkpoint"})


if __name__ == "__main__":
    unittest.main()
