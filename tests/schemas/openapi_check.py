"""Holds answers against schemas/openapi.yaml, and events against schemas/events/.

    check_response("GET", "/v1/accounts/acme/keys", 200, headers, body)
    check_event(event)

Both raise AssertionError with a text that says what does not fit. They need Debian's python3-jsonschema
and python3-yaml.
"""

import functools
import gzip
import json
import pathlib
import re
import warnings

import yaml
from jsonschema import Draft202012Validator

with warnings.catch_warnings():
    # Newer versions call it deprecated; Debian's has nothing else.
    warnings.simplefilter("ignore", DeprecationWarning)
    from jsonschema import RefResolver

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"

# What HTTP itself asks for, or what every answer may have.
_UNDOCUMENTED_HEADERS = {"connection", "content-length", "content-type", "date", "content-security-policy",
                         "cross-origin-resource-policy", "referrer-policy", "x-content-type-options",
                         "x-frame-options"}

# What the service answers before it knows the operation, or where there is none.
_PROTOCOL_RESPONSES = {
    400: "Malformed",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    413: "ContentTooLarge",
    417: "ExpectationFailed",
    431: "HeaderTooLarge",
}

# Every method, and every path below: OpenAPI has no way to say so.
_FORWARD_AUTH = "/v1/forward-auth"
_TILES = "/tlog/tile/"


@functools.lru_cache(maxsize=None)
def document():
    """The whole of schemas/openapi.yaml."""
    return yaml.safe_load((SCHEMAS / "openapi.yaml").read_text(encoding="utf-8"))


def resolve(node):
    """`node`, or what it refers to."""
    while isinstance(node, dict) and "$ref" in node:
        target = node["$ref"]
        assert target.startswith("#/"), f"{target} leads out of the document"
        found = document()
        for part in target[2:].split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


def check_value(value, schema, what):
    """Fails unless `value` is valid under `schema`, a part of the document."""
    validator = Draft202012Validator(schema, resolver=RefResolver("", document()))
    _fail_on(validator.iter_errors(value), what)


def check_event(event):
    """Fails unless `event` (bytes, text or dict; with or without `position`) is valid under its type's schema."""
    if not isinstance(event, dict):
        event = _parse(event, "the event")
    event = {name: value for name, value in event.items() if name != "position"}
    kind = event.get("type")
    assert isinstance(kind, str) and kind.startswith("keyledger."), f"the event's type is {kind!r}"
    _fail_on(_event_validator(kind.removeprefix("keyledger.")).iter_errors(event), f"the event {kind}")


def check_response(method, path, status, headers, body):
    """Fails unless the contract has this answer to this request. Gives the body back: parsed, if it is JSON."""
    headers = {name.lower(): value for name, value in dict(headers).items()}
    template, operation = find_operation(method, path)
    what = f"{method} {path} -> {status}"
    response = _documented_response(template, operation, status, what)
    _check_headers(response, headers, what)

    content = response.get("content")
    if method == "HEAD" or not content:
        assert not body, f"{what}: there is a body: {_excerpt(body)}"
        if method != "HEAD":
            assert "content-type" not in headers, f"{what}: Content-Type without a body"
        return None
    media_type = headers.get("content-type", "").split(";")[0].strip().lower()
    assert media_type in content, f"{what}: Content-Type is {media_type!r}, documented: {', '.join(content)}"
    if media_type == "application/octet-stream":
        return None
    schema = content[media_type]["schema"]
    if media_type.endswith("json") and media_type != "application/x-ndjson":
        parsed = _parse(body, what)
        check_value(parsed, schema, what)
        if media_type == "application/problem+json":
            _check_problem(parsed, response, status, headers, what)
        if operation is not None and operation["operationId"] in ("listKeyEvents", "listAccountEvents"):
            for event in parsed.get("events", []):
                check_event(event)
        return parsed
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    text = body.decode("utf-8") if isinstance(body, (bytes, bytearray)) else body
    check_value(text, schema, what)
    if media_type == "application/x-ndjson":
        _check_lines(text, what)
    if media_type == "text/csv":
        columns = re.search(r"Columns: ([^.]*)\.", resolve(schema)["description"]).group(1).split(", ")
        assert text.split("\r\n")[0].split(",") == columns, f"{what}: the CSV has other columns"
    return text


def find_operation(method, path):
    """The path template that fits, and its operation; None for what there isn't."""
    path = path.split("?")[0]
    method = "get" if method == "HEAD" else method.lower()
    paths = document()["paths"]
    if path == _FORWARD_AUTH or path.startswith(_FORWARD_AUTH + "/"):
        return _FORWARD_AUTH, paths[_FORWARD_AUTH]["get"]
    if path.startswith(_TILES):
        template = _TILES + "{path}"
        return template, paths[template].get(method)
    for template, item in paths.items():
        pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part)
                          for part in re.split(r"(\{[^}]*\})", template))
        if re.fullmatch(pattern, path):
            return template, item.get(method)
    return None, None


@functools.lru_cache(maxsize=None)
def _event_validator(kind):
    file = SCHEMAS / "events" / f"{kind}.schema.json"
    assert file.is_file(), f"there is no schema of {kind} events"
    return Draft202012Validator(json.loads(file.read_text(encoding="utf-8")))


def _documented_response(template, operation, status, what):
    if operation is not None:
        assert str(status) in operation["responses"], (
            f"{what}: the contract has {', '.join(operation['responses'])} for {operation['operationId']}")
        return resolve(operation["responses"][str(status)])
    assert status in _PROTOCOL_RESPONSES, f"{what}: there is no such operation, so no such status"
    if template is None:
        assert status != 405, f"{what}: there is no such path, so no other method for it"
    return document()["components"]["responses"][_PROTOCOL_RESPONSES[status]]


def _check_headers(response, headers, what):
    documented = {name.lower(): resolve(header) for name, header in response.get("headers", {}).items()}
    for name, header in documented.items():
        if name not in headers:
            assert not header.get("required"), f"{what}: the header {name} is missing"
            continue
        value = headers[name]
        if resolve(header["schema"]).get("type") == "integer" and re.fullmatch("[0-9]+", value):
            value = int(value)
        check_value(value, header["schema"], f"{what}: the header {name}")
    strangers = sorted(set(headers) - set(documented) - _UNDOCUMENTED_HEADERS)
    assert not strangers, f"{what}: headers that are not documented: {', '.join(strangers)}"


def _check_problem(problem, response, status, headers, what):
    assert problem["status"] == status, f"{what}: the problem says {problem['status']}"
    assert problem["instance"] == headers["x-request-id"], f"{what}: instance is not the request's id"
    slug = problem["type"].rpartition(":")[2]
    assert f"`{slug}`" in response["description"], f"{what}: the contract has no {slug} with this status"
    if slug != "invalid":
        assert "errors" not in problem, f"{what}: {slug} has errors"


def _check_lines(text, what):
    assert not text or text.endswith("\n"), f"{what}: the last line does not end"
    for line in text.split("\n")[:-1]:
        entry = _parse(line, what)
        check_value(entry, {"$ref": "#/components/schemas/TrailEntry"}, what)
        check_event(entry)


def _parse(text, what):
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except ValueError as error:
        raise AssertionError(f"{what}: no JSON ({error}): {_excerpt(text)}") from error


def _without_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a member twice")
    return members


def _excerpt(text, length=300):
    return repr(text[:length]) if text else "nothing"


def _fail_on(errors, what):
    lines = []
    for error in errors:
        where = "/".join(str(part) for part in error.absolute_path)
        lines.append(f"  /{where}: {error.message}")
        lines += [f"    or: /{'/'.join(str(p) for p in part.absolute_path)}: {part.message}"
                  for part in error.context or []]
    assert not lines, f"{what} breaks its schema:\n" + "\n".join(lines)
