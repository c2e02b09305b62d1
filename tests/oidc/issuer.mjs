// A real OpenID Connect issuer (npm's oidc-provider) on loopback, for tests/e2e/issuer.py.
//
//   node issuer.mjs MODULES     (the folder that has oidc-provider: see tests/support/npm.py)
//
// It prints {"issuer": URL} once it listens, and then answers a line of JSON on its standard input with one on its
// standard output:
//   {"do": "rotate"}            new keys; the old ones are no longer in its JWK Set
//   {"do": "keys"}              its JWK Set as it publishes it
//   {"do": "sign", "algorithm", "header", "claims", "by": "issuer" | "stranger", "raw"}
//                               a token of any claims, by a key of its own or of somebody else
// A token that it issues itself comes from POST /token with the client credentials of `tests`: `resource` names the
// audience, `scope` the scopes.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const module = join(process.argv[2], "node_modules", "oidc-provider", "lib", "index.js");
const { default: Provider } = await import(pathToFileURL(module));

const SCOPES = "keys:read keys:write keys:reveal audit:read events:read accounts:write";
const base64url = (data) => Buffer.from(data).toString("base64url");

let generation = 0;
function makeKeys() {
  generation += 1;
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  return [
    { ...rsa.export({ format: "jwk" }), kid: `rsa-${generation}`, alg: "RS256", use: "sig" },
    { ...ec.export({ format: "jwk" }), kid: `ec-${generation}`, alg: "ES256", use: "sig" },
  ];
}

let keys = makeKeys();
const strangers = makeKeys();
let provider;
const server = createServer((request, response) => provider.callback()(request, response));
server.listen(0, "127.0.0.1", () => {
  makeProvider();
  console.log(JSON.stringify({ issuer: issuer() }));
});

const issuer = () => `http://127.0.0.1:${server.address().port}`;

function makeProvider() {
  provider = new Provider(issuer(), {
    jwks: { keys },
    cookies: { keys: ["for tests"] },
    clients: [{
      client_id: "tests", client_secret: "tests-secret", grant_types: ["client_credentials"],
      redirect_uris: [], response_types: [], token_endpoint_auth_method: "client_secret_post",
    }],
    scopes: SCOPES.split(" "),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (context, resource) => ({
          scope: SCOPES,
          audience: resource,
          accessTokenTTL: 600,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: resource.endsWith("/rs256") ? "RS256" : "ES256" } },
        }),
      },
    },
    extraTokenClaims: () => ({ "https://keyledger/tenant": "acme", email: "ada@example.com" }),
  });
}

/// A JWS by hand, so that anything can be in it.
function makeToken({ algorithm, header = {}, claims, by = "issuer", raw }) {
  const set = by === "issuer" ? keys : strangers;
  const key = set.find((one) => one.alg === algorithm) ?? set[0];
  const jose = { alg: algorithm, typ: "at+jwt", kid: keys.find((one) => one.kty === key.kty).kid, ...header };
  const text = `${base64url(JSON.stringify(jose))}.${base64url(raw ?? JSON.stringify(claims))}`;
  if (algorithm === "none") return `${text}.`;
  if (algorithm === "HS256") {
    const secret = createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" });
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  }
  const hash = algorithm.endsWith("384") ? "sha384" : "sha256";
  return `${text}.${sign(hash, Buffer.from(text), { key, format: "jwk", dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

const publicKey = ({ d, p, q, dp, dq, qi, ...rest }) => rest;

createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  let answer = {};
  if (request.do === "rotate") {
    keys = makeKeys();
    makeProvider();
  } else if (request.do === "keys") {
    answer = { jwks: { keys: keys.map(publicKey) } };
  } else if (request.do === "sign") {
    answer = { token: makeToken(request) };
  }
  console.log(JSON.stringify(answer));
}).on("close", () => process.exit(0));
