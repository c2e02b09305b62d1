"""What a node tells of itself: /healthz, /readyz, /metrics and the contract."""

import json
import re
import unittest

from node import ADA, ROOT, NodeTest, eventually
from operations import OPERATIONS

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')


class Metrics(dict):
    """Prometheus' text format, read strictly: {(name, frozenset of labels): value}."""

    def __init__(self, text):
        super().__init__()
        self.types = {}
        assert text.endswith("\n"), "the last line does not end"
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                assert name not in self.types, f"{name} comes twice"
                self.types[name] = kind
            elif not line.startswith("# HELP "):
                found = SAMPLE.fullmatch(line)
                assert found, f"no sample: {line}"
                family = re.sub("_(bucket|sum|count)$", "", found[1])
                assert family in self.types or found[1] in self.types, f"{line} has no type"
                labels = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2] or ""))
                assert (found[1], labels) not in self, f"{line} comes twice"
                self[found[1], labels] = float(found[3])

    def of(self, name, **labels):
        """The sum of the samples of this name that have these labels."""
        return sum(value for (found, has), value in self.items() if found == name and set(labels.items()) <= has)


class Observability(NodeTest):
    def metrics(self):
        answer = self.node.get("/metrics")
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        return Metrics(answer.body.decode())

    def test_a_node_that_answers_is_alive_and_ready(self):
        self.assertEqual(self.node.get("/healthz").json, {"alive": True})
        self.node.create(self.token)
        ready = self.node.get("/readyz")
        self.assertEqual((ready.status, ready.json), (200, {"ready": True, "position": ready.position,
                                                            "log_end": ready.position, "reasons": []}))
        self.assertEqual(ready.position, 4)  # LedgerCreated, WriterElected, AccountRegistered, KeyCreated.

    def test_the_contract_is_served_byte_for_byte(self):
        answer = self.node.get("/openapi.yaml")
        self.assertEqual(answer.body, (ROOT / "schemas" / "openapi.yaml").read_bytes())
        self.assertEqual(answer.headers["content-type"].split(";")[0], "application/yaml")

    def test_counters_move_with_what_happens(self):
        before = self.metrics()
        key = self.node.create(self.token)
        self.node.verify(key["value"])
        self.node.verify(key["value"], "bob")
        self.node.verify("x")
        self.node.sign_in(ADA, key["value"])
        self.node.post("/v1/verify/batch", {"keys": [{"key": "x"}, {"key": key["value"]}]})
        self.node.get("/nowhere")
        self.node.get("/v1/accounts/acme/keys")
        after = self.metrics()
        moved = lambda name, **labels: after.of(name, **labels) - before.of(name, **labels)  # noqa: E731
        for code, count in (("VALID", 3), ("USERNAME_MISMATCH", 1), ("MALFORMED", 2), ("NOT_FOUND", 0), ("DISABLED", 0)):
            self.assertEqual(moved("keyledger_validations_total", code=code), count, code)
        requests = "keyledger_http_requests_total"
        self.assertEqual(moved(requests, route="/v1/verify", method="POST", status="2xx"), 3)
        self.assertEqual(moved(requests, route="/v1/verify/batch", status="2xx"), 1)
        self.assertEqual(moved(requests, route="none", status="4xx"), 1)
        self.assertEqual(moved(requests, route="/v1/accounts/{account}/keys", method="GET", status="4xx"), 1)
        self.assertEqual(moved(requests, route="/v1/accounts/{account}/keys", method="POST", status="2xx"), 1)
        self.assertEqual(moved("keyledger_commands_total"), 1)
        self.assertEqual(moved("keyledger_projection_events_total"), 2)
        self.assertEqual(moved("keyledger_projection_position"), 2)
        for name, value in (("keyledger_ready", 1), ("keyledger_writer_leads", 1), ("keyledger_projection_halted", 0),
                            ("keyledger_projection_lag", 0), ("keyledger_projection_rejected_total", 0),
                            ("keyledger_append_failures_total", 0), ("keyledger_projection_position", 4)):
            self.assertEqual(after.of(name), value, name)
            self.assertTrue(any(found == name for found, _ in after), name)

    def test_histograms_are_cumulative_and_end_with_their_count(self):
        self.node.create(self.token)
        metrics = self.metrics()
        name = "keyledger_http_request_duration_seconds"
        self.assertEqual(metrics.types[name], "histogram")
        route = {"method": "POST", "route": "/v1/accounts/{account}/keys"}
        buckets = sorted((float(dict(labels)["le"]), value) for (found, labels), value in metrics.items()
                         if found == name + "_bucket" and set(route.items()) <= labels)
        self.assertEqual([count for _, count in buckets], sorted(count for _, count in buckets))
        self.assertEqual(buckets[-1], (float("inf"), metrics.of(name + "_count", **route)))
        self.assertGreater(metrics.of(name + "_sum", **route), 0)

    def test_labels_come_from_routes_and_never_from_what_is_asked(self):
        for path in ("/a", "/b/c", "/v1/accounts/x/keys", "/v1/accounts/y/keys", "/v1/forward-auth/z"):
            self.node.get(path)
            self.node.request("BREW", path)
        routes = {dict(labels)["route"] for (name, labels) in self.metrics() if name == "keyledger_http_requests_total"}
        templates = {re.sub(r"\{id\}", "{key}", operation.template) for operation in OPERATIONS}
        self.assertLessEqual(routes, templates | {"none", "/v1/forward-auth/*"})

    def test_connections_are_counted_while_they_are_open(self):
        self.assertEqual(self.metrics().of("keyledger_http_connections_open"), 1)
        with self.node.connect():
            eventually(lambda: self.metrics().of("keyledger_http_connections_open") == 2, "it is counted")
        eventually(lambda: self.metrics().of("keyledger_http_connections_open") == 1, "it is counted no more")
        self.assertEqual(self.metrics().of("keyledger_http_connections_accepted_total"), 2)

    def test_a_request_is_logged_under_its_id_when_it_is_debugged(self):
        self.node.restart("--log-level", "debug")
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        self.node.get("/nowhere", headers={"X-Request-Id": "find-me", "Traceparent": trace})
        line = eventually(lambda: [line for line in self.node.log if "find-me" in line], "it is logged")[0]
        entry = json.loads(line)
        self.assertEqual((entry["level"], entry["status"], entry["route"], entry["traceparent"], entry["address"]),
                         ("debug", 404, "none", trace, "127.0.0.1"))


if __name__ == "__main__":
    unittest.main()
