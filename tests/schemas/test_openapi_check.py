"""The contract's own examples pass the check; what differs from the contract does not."""

import copy
import json
import unittest

from jsonschema import Draft202012Validator

from openapi_check import SCHEMAS, check_response, document, resolve

_KEY = "/v1/accounts/acme/keys/key_01M86VC2Q07XJ5B3N9R4T6V8W0"


def headers_of(response, media_type):
    headers = {name: str(resolve(header)["example"]) for name, header in response.get("headers", {}).items()}
    if media_type:
        headers["Content-Type"] = media_type
    headers["Date"] = "Tue, 24 Nov 2026 11:17:30 GMT"
    headers.pop("Content-Encoding", None)  # The example is what was encoded.
    return headers


def documented_answers():
    """(method, path, status, headers, body) of each example in the document."""
    for template, item in document()["paths"].items():
        path = template.replace("{account}", "acme").replace("{id}", _KEY.rpartition("/")[2])
        for method, operation in item.items():
            if method == "parameters":
                continue
            for status, response in operation["responses"].items():
                response = resolve(response)
                for media_type, content in response.get("content", {}).items():
                    examples = [example["value"] for example in content.get("examples", {}).values()]
                    if "example" in content:
                        examples.append(content["example"])
                    for example in examples:
                        yield (method.upper(), path, int(status), headers_of(response, media_type),
                               json.dumps(example).encode())


def answer(method, path, status):
    for candidate in documented_answers():
        if candidate[:3] == (method, path, status):
            return [copy.deepcopy(part) for part in candidate]
    raise LookupError(f"no example of {method} {path} {status}")


class OpenapiCheck(unittest.TestCase):
    def assert_refused(self, *response, text):
        with self.assertRaises(AssertionError) as caught:
            check_response(*response)
        self.assertIn(text, str(caught.exception))

    def with_body(self, method, path, status, change):
        response = answer(method, path, status)
        body = json.loads(response[4])
        change(body)
        response[4] = json.dumps(body).encode()
        return response

    def test_every_schema_is_valid_itself(self):
        for name, schema in document()["components"]["schemas"].items():
            with self.subTest(name):
                Draft202012Validator.check_schema(schema)

    def test_every_example_is_an_answer_that_the_contract_has(self):
        answers = list(documented_answers())
        self.assertGreater(len(answers), 30)
        for response in answers:
            with self.subTest(f"{response[0]} {response[1]} {response[2]}"):
                check_response(*response)

    def test_the_document_can_be_part_of_the_program(self):
        text = (SCHEMAS / "openapi.yaml").read_bytes()
        self.assertTrue(text.isascii())
        self.assertNotIn(b')yaml"', text)

    def test_a_status_that_is_not_documented_is_found(self):
        response = answer("GET", _KEY, 200)
        response[2] = 202
        self.assert_refused(*response, text="the contract has")

    def test_a_content_type_that_is_not_documented_is_found(self):
        response = answer("GET", _KEY, 200)
        response[3]["Content-Type"] = "text/html"
        self.assert_refused(*response, text="Content-Type is 'text/html'")

    def test_a_header_that_is_missing_wrong_or_not_documented_is_found(self):
        response = answer("GET", _KEY, 200)
        del response[3]["ETag"]
        self.assert_refused(*response, text="the header etag is missing")
        response = answer("GET", _KEY, 200)
        response[3]["keyledger-position"] = response[3].pop("Keyledger-Position") + "x"
        self.assert_refused(*response, text="the header keyledger-position")
        response = answer("GET", _KEY, 200)
        response[3]["X-Powered-By"] = "x"
        self.assert_refused(*response, text="not documented: x-powered-by")

    def test_a_member_too_many_is_found(self):
        for method, path, status in (("GET", _KEY, 200), ("PATCH", _KEY, 200), ("DELETE", _KEY, 200),
                                     ("POST", "/v1/accounts/acme/keys", 201), ("PUT", "/v1/accounts/acme", 201),
                                     ("POST", "/v1/verify", 200), ("GET", "/readyz", 503), ("GET", _KEY, 400)):
            with self.subTest(f"{method} {path}"):
                response = self.with_body(method, path, status, lambda body: body.update(digest="5b"))
                self.assert_refused(*response, text="breaks its schema")

    def test_a_member_too_few_is_found(self):
        for method, path, status in (("GET", _KEY, 200), ("PATCH", _KEY, 200), ("POST", "/v1/verify", 200),
                                     ("GET", _KEY, 400)):
            for name in json.loads(answer(method, path, status)[4]):
                if name == "applied_everywhere":
                    continue
                with self.subTest(f"{method} {path} without {name}"):
                    response = self.with_body(method, path, status, lambda body: body.pop(name))
                    self.assert_refused(*response, text="breaks its schema")

    def test_a_verdict_that_contradicts_itself_is_found(self):
        response = self.with_body("POST", "/v1/verify", 200, lambda body: body.update(valid=False))
        self.assert_refused(*response, text="breaks its schema")

    def test_an_event_that_breaks_its_own_schema_is_found_in_a_trail(self):
        def rename(body):
            body["events"][0]["data"]["name"] = ""
        self.assert_refused(*self.with_body("GET", _KEY + "/events", 200, rename), text="keyledger.KeyRenamed")

    def test_a_trail_may_be_lines_and_each_is_checked(self):
        response = answer("GET", _KEY + "/events", 200)
        entry = json.loads(response[4])["events"][0]
        response[3]["Content-Type"] = "application/x-ndjson"
        response[4] = (json.dumps(entry) + "\n").encode() * 2
        check_response(*response)
        del entry["position"]
        response[4] = (json.dumps(entry) + "\n").encode()
        self.assert_refused(*response, text="'position' is a required property")

    def test_a_problem_of_another_status_type_or_request_is_found(self):
        for name, value in (("status", 404), ("instance", "other"), ("type", "urn:keyledger:problem:gone")):
            with self.subTest(name):
                response = self.with_body("GET", _KEY, 400, lambda body: body.update({name: value}))
                self.assert_refused(*response, text="-> 400")

    def test_a_body_where_none_may_be_is_found(self):
        response = resolve(document()["paths"]["/v1/accounts/{account}/keys/{id}"]["delete"]["responses"]["204"])
        headers = headers_of(response, None)
        check_response("DELETE", _KEY, 204, headers, b"")
        self.assert_refused("DELETE", _KEY, 204, headers, b"{}", text="there is a body")

    def test_a_method_that_a_path_has_not_is_405(self):
        response = answer("GET", _KEY, 400)
        problem = {**json.loads(response[4]), "status": 405, "type": "urn:keyledger:problem:method-not-allowed"}
        headers = {**response[3], "Allow": "GET, HEAD"}
        check_response("POST", _KEY, 405, headers, json.dumps(problem))
        self.assert_refused("POST", "/nowhere", 405, headers, json.dumps(problem), text="no such path")
        self.assert_refused("POST", _KEY, 200, headers, b"", text="no such operation")

    def test_forward_auth_is_the_same_for_every_method_and_path_below(self):
        response = resolve(document()["paths"]["/v1/forward-auth"]["get"]["responses"]["200"])
        for method, path in (("GET", "/v1/forward-auth"), ("PROPFIND", "/v1/forward-auth/a/b?c")):
            check_response(method, path, 200, headers_of(response, None), b"")


if __name__ == "__main__":
    unittest.main()
