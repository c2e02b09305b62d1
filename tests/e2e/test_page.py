"""The settings page's files as HTTP has them: compressed, with entity tags, for browsers alone.

What the page does is in tests/browser.
"""

import gzip
import re
import unittest

from node import NodeTest, SharedNodeTest


class Files(SharedNodeTest):
    def files(self):
        """The paths of the page, and of all that it and its modules load."""
        found, new = set(), ["/", "/reference"]
        while new:
            path = new.pop()
            found.add(path)
            text = self.node.get(path).body.decode()
            names = re.findall(r'(?:href|src)="(/page/[^"]+)"', text)
            names += [f"/page/{name}" for name in re.findall(r'from "\./([^"]+)"', text)]
            new += [name for name in names if name not in found]
        return sorted(found)

    def test_whatever_the_pages_load_is_there_and_of_its_type(self):
        files = self.files()
        self.assertGreater(len(files), 10)
        types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
        for path in files:
            answer = self.node.get(path)
            self.assertEqual(answer.status, 200, path)
            self.assertEqual(answer.headers["content-type"],
                             types.get(path.rsplit(".", 1)[-1], "text/html; charset=utf-8"))

    def test_gzip_has_the_same_content_and_a_tag_of_its_own(self):
        for path in self.files():
            plain = self.node.get(path)
            packed = self.node.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
            self.assertEqual(packed.headers["content-encoding"], "gzip")
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertLess(len(packed.body), len(plain.body))
            self.assertNotEqual(packed.headers["etag"], plain.headers["etag"])
        for refused in ("identity", "gzip;q=0", "gzip; q=0.000", "xgzip", ""):
            self.assertNotIn("content-encoding", self.node.get("/", headers={"Accept-Encoding": refused}).headers)

    def test_who_has_it_is_not_sent_it_again(self):
        tag = self.node.get("/").headers["etag"]
        for tags in (tag, f'"x", {tag}', f"W/{tag}", "*"):
            answer = self.node.get("/", headers={"If-None-Match": tags})
            self.assertEqual((answer.status, answer.body), (304, b""))
        self.assertEqual(self.node.get("/", headers={"If-None-Match": '"other"'}).status, 200)

    def test_the_contract_is_compressed_and_not_sent_again_either(self):
        plain = self.node.get("/openapi.yaml")
        packed = self.node.get("/openapi.yaml", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertLess(len(packed.body), len(plain.body) / 3)
        self.assertNotEqual(packed.headers["etag"], plain.headers["etag"])
        for answer in (plain, packed):
            headers = {"If-None-Match": answer.headers["etag"],
                       "Accept-Encoding": answer.headers.get("content-encoding", "identity")}
            again = self.node.get("/openapi.yaml", headers=headers)
            self.assertEqual((again.status, again.body), (304, b""))

    def test_the_whole_page_is_below_60_kib(self):
        sizes = [len(self.node.get(path, headers={"Accept-Encoding": "gzip"}).body) for path in self.files()]
        self.assertLess(sum(sizes), 60 * 1024)

    def test_nothing_is_inline_and_nothing_may_be(self):
        for path in ("/", "/reference"):
            answer = self.node.get(path)
            policy = answer.headers["content-security-policy"]
            for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
                self.assertIn(part, policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotRegex(answer.body.decode(), r"<script(?![^>]* src=)|<style| on[a-z]+=| style=|https?:")

    def test_there_is_no_other_file(self):
        for path in ("/page/", "/page/index.html", "/page/openapi.yaml", "/page/nope.js", "/page/../node.cc", "/page/%2e%2e%2fnode.cc"):
            self.assertEqual(self.node.get(path, check=False).status, 404, path)


class Roles(NodeTest):
    FLAGS = ("--roles", "command,query,verify")

    def test_a_node_without_the_role_has_no_page(self):
        for path in ("/", "/reference", "/page/app.js"):
            self.assertEqual(self.node.get(path, check=False).status, 404)
        self.assertEqual(self.node.get("/openapi.yaml").status, 200)


if __name__ == "__main__":
    unittest.main()
