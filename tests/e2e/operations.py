"""Every operation of schemas/openapi.yaml, with what a test needs to ask for it."""

import dataclasses

from node import openapi_check

MISSING_KEY = "key_01M86VC2Q07XJ5B3N9R4T6V8W0"

# The scope that each needs; None: no token.
_SCOPES = {
    "putAccount": "accounts:write", "getAccount": "accounts:write", "createKey": "keys:write",
    "listKeys": "keys:read", "getKey": "keys:read", "changeKey": "keys:write", "deleteKey": "keys:write",
    "revealKey": "keys:reveal", "listKeyEvents": "audit:read", "listAccountEvents": "audit:read",
    "getCheckpoint": "audit:read accounts:any", "getTile": "audit:read accounts:any", "getEventProof": "audit:read",
    "verify": None, "verifyBatch": None, "forwardAuth": None, "getHealth": None, "getReadiness": None,
    "getMetrics": None, "getOpenapi": None,
}

# Signing in and out: whoever asks them is no bearer of a token. test_sessions.py has them.
_OF_SESSIONS = {"signIn", "getSession", "endSession"}

# A stream that doesn't end, and files for browsers: test_feed.py, test_page.py and tests/browser have them.
_OF_THEIR_OWN = {"followEvents", "getPage", "getReference", "getPageFile"}

# A good body of each that takes one.
_BODIES = {
    "putAccount": {"username": "ada@example.com"}, "createKey": {"name": "a key"}, "changeKey": {}, "revealKey": {},
    "verify": {"key": "kl_x"}, "verifyBatch": {"keys": []},
}


@dataclasses.dataclass(frozen=True)
class Operation:
    id: str
    method: str
    template: str
    statuses: frozenset  # That the document has.

    @property
    def scope(self):
        return _SCOPES[self.id]

    @property
    def body(self):
        return _BODIES.get(self.id)

    @property
    def is_about_a_key(self):
        return "{id}" in self.template

    def path(self, account="acme", key=MISSING_KEY):
        return self.template.replace("{account}", account).replace("{id}", key).replace(
            "{position}", "1").replace("{path}", "0/000.p/1")


def all_operations():
    """All of them. Fails on one that has no row above, so that none is forgotten."""
    return [Operation(operation["operationId"], method.upper(), template, frozenset(map(int, operation["responses"])))
            for template, item in openapi_check.document()["paths"].items()
            for method, operation in item.items()
            if method != "parameters" and operation["operationId"] not in _OF_SESSIONS | _OF_THEIR_OWN
            if operation["operationId"] in _SCOPES or _forgotten(operation["operationId"])]


def _forgotten(name):
    raise AssertionError(f"tests/e2e/operations.py has no row for the operation {name}")


# Deleting comes last, so that a key is there for all others.
OPERATIONS = sorted(all_operations(), key=lambda operation: operation.id == "deleteKey")
# Those on one account, and those on the whole log.
MANAGED = [operation for operation in OPERATIONS if operation.scope and "{account}" in operation.template]
AUDITS = [operation for operation in OPERATIONS if operation.scope and operation not in MANAGED]
WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
