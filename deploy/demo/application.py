#!/usr/bin/env python3
"""A demo application behind the proxy: says whom the proxy let in.

usage: application.py ADDRESS PORT
"""

import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        said = "".join(f"{name}: {value}\n" for name, value in self.headers.items()
                       if name.lower().startswith("x-keyledger-")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
