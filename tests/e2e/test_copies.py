"""Copies that are made while a node serves: of the read model (projection checkpoint) and of the log (log backup)."""

import json
import re
import shutil
import threading
import unittest

from node import Node, NodeTest, run


def made(*arguments):
    return json.loads(run(*arguments)[0])


def metric(node, name):
    return int(re.search(rf"^{name} (\d+)$", node.get("/metrics").body.decode(), re.M)[1])


def checksum(data_dir):
    return run("projection", "checksum", "--data-dir", data_dir)[0]


class Copies(NodeTest):
    def setUp(self):
        super().setUp()
        self.data = self.node.data_dir
        self.keys = [self.node.create(self.token, name=f"key {i}") for i in range(5)]

    def restored(self, log, model=None):
        """A data directory as somebody puts it together who restores."""
        data = self.work / "restored"
        data.mkdir()
        shutil.copytree(log, data / "log")
        if model:
            shutil.copytree(model, data / "read-model")
        shutil.copy(self.data / "keyring.json", data)
        return data

    def test_a_node_goes_on_from_a_checkpoint_without_folding_from_the_beginning(self):
        copied = made("projection", "checkpoint", self.work / "model", "--data-dir", self.data)
        self.assertEqual(copied["position"], self.node.get("/healthz").position)
        self.node.patch(f"/v1/accounts/acme/keys/{self.keys[0]['id']}", {"enabled": False}, token=self.token)
        made("log", "backup", self.work / "log", "--data-dir", self.data)
        expected = checksum(self.data)
        data = self.restored(self.work / "log", self.work / "model")
        with Node(data) as node:
            self.assertEqual(metric(node, "keyledger_projection_events_total"), 2)  # KeyDisabled and WriterElected.
            self.assertEqual([node.verify(key["value"])["code"] for key in self.keys], ["DISABLED"] + ["VALID"] * 4)
        shutil.rmtree(data / "log")
        shutil.copytree(self.work / "log", data / "log")
        shutil.rmtree(data / "read-model")
        run("projection", "rebuild", "--data-dir", data)
        self.assertEqual(checksum(data), expected)

    def test_a_backup_of_the_log_has_all_that_was_acknowledged_before_it(self):
        stop = threading.Event()
        done = []

        def create():
            client = self.node.client()
            while not stop.is_set():
                done.append(client.create(self.token))
            client.close()

        writers = [threading.Thread(target=create) for _ in range(4)]
        for writer in writers:
            writer.start()
        backups = []
        for i in range(5):
            before = list(done)
            copied = made("log", "backup", self.work / f"log-{i}", "--data-dir", self.data)
            model = made("projection", "checkpoint", self.work / f"model-{i}", "--data-dir", self.data)
            backups.append((before, copied["position"], model["position"]))
        stop.set()
        for writer in writers:
            writer.join()
        for i, (before, position, model_position) in enumerate(backups):
            self.assertGreaterEqual(model_position, position - 10 * len(writers))
            data = self.restored(self.work / f"log-{i}")
            self.assertEqual(json.loads(run("log", "status", "--data-dir", data)[0])["end"], position)
            with Node(data) as node:
                for key in before:
                    self.assertEqual(node.verify(key["value"])["code"], "VALID")
                if before:
                    path = f"/v1/accounts/acme/keys/{before[-1]['id']}/reveal"
                    self.assertEqual(node.post(path, token=node.token()).json["value"], before[-1]["value"])
            shutil.rmtree(data)

    def test_of_a_stopped_node_they_are_made_by_the_command(self):
        self.node.stop()
        end = json.loads(run("log", "status", "--data-dir", self.data)[0])["end"]
        for command, name in ((("projection", "checkpoint"), "model"), (("log", "backup"), "log")):
            self.assertEqual(made(*command, self.work / name, "--data-dir", self.data)["position"], end)
        with Node(self.restored(self.work / "log", self.work / "model")) as node:
            self.assertEqual(metric(node, "keyledger_projection_events_total"), 1)

    def test_a_relative_directory_is_the_callers(self):
        copied = json.loads(run("log", "backup", "here/", "--data-dir", self.data, cwd=self.work)[0])
        self.assertEqual(copied["directory"], str(self.work / "here"))
        self.assertTrue((self.work / "here" / "CURRENT").exists())

    def test_a_checkpoint_that_is_newer_than_the_log_is_refused(self):
        made("log", "backup", self.work / "log", "--data-dir", self.data)
        self.node.create(self.token)
        made("projection", "checkpoint", self.work / "model", "--data-dir", self.data)
        data = self.restored(self.work / "log", self.work / "model")
        _, said = run("serve", "--data-dir", data, "--listen", "127.0.0.1:0", expect=1)
        self.assertIn("the read model has applied", said)

    def test_nonsense_is_refused_running_or_stopped(self):
        file = self.work / "file"
        file.write_text("", encoding="utf-8")
        link = self.work / "link"
        link.symlink_to(self.work / "nothing")
        for _ in range(2):
            for command in (("projection", "checkpoint"), ("log", "backup")):
                for target, why in ((self.work, "is there already"), (file, "is there already"),
                                    (link, "is there already"), (self.data / "log", "is there already"),
                                    (self.work / "no" / "where", "is no directory"), (file / "a", "is no directory")):
                    self.assertIn(why, run(*command, target, "--data-dir", self.data, expect=1)[1])
                run(*command, "--data-dir", self.data, expect=2)
                nowhere = self.work / "nowhere"
                said = run(*command, self.work / "copy", "--data-dir", nowhere, expect=1)[1]
                self.assertIn("--data-dir", said)
                self.assertFalse(nowhere.exists())
                self.assertFalse((self.work / "copy").exists())
            if self.node.process:
                self.node.stop()


if __name__ == "__main__":
    unittest.main()
