"""A real OpenID Connect issuer (tests/oidc) for the tests, and tokens that it would never issue."""

import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from node import ADA, DEADLINE, ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))
import npm  # noqa: E402  pylint: disable=wrong-import-position

AUDIENCE = "https://keys.example/api"
TENANT = "https://keyledger/tenant"
SCOPES = "keys:read keys:write keys:reveal audit:read"


class Issuer:
    """Runs it on a free port. Ends with the context."""

    def __enter__(self):
        self.process = subprocess.Popen(["node", str(ROOT / "tests" / "oidc" / "issuer.mjs"), str(npm.fetched(ROOT / "tests" / "oidc"))],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, bufsize=1)
        self.name = json.loads(self.process.stdout.readline())["issuer"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.process.stdout.close()

    @property
    def jwks(self):
        """The URL of its JWK Set, as it announces it itself."""
        with urllib.request.urlopen(f"{self.name}/.well-known/openid-configuration", timeout=DEADLINE) as answer:
            return json.load(answer)["jwks_uri"]

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        return json.loads(self.process.stdout.readline())

    def issue(self, audience=AUDIENCE, scope=SCOPES):
        """A token as it issues them itself, by OAuth's client credentials grant."""
        form = {"grant_type": "client_credentials", "client_id": "tests", "client_secret": "tests-secret",
                "resource": audience, "scope": scope}
        with urllib.request.urlopen(f"{self.name}/token", urllib.parse.urlencode(form).encode(),
                                    timeout=DEADLINE) as answer:
            return json.load(answer)["access_token"]

    def forge(self, algorithm="ES256", header=None, by="issuer", without=(), **claims):
        """A token of any header and claims, good but for what is named."""
        now = int(time.time())
        whole = {"iss": self.name, "aud": AUDIENCE, "sub": "user-7", TENANT: "acme", "email": ADA, "scope": SCOPES,
                 "iat": now, "nbf": now, "exp": now + 600, **claims}
        for name in without:
            del whole[name]
        return self.ask(do="sign", algorithm=algorithm, header=header or {}, claims=whole, by=by)["token"]

    def flags(self, jwks=None):
        """What makes a node take its tokens."""
        return ("--auth.jwks", jwks or self.jwks, "--auth.issuer", self.name, "--auth.audience", AUDIENCE,
                "--auth.claim.account", TENANT, "--auth.claim.username", "email")
