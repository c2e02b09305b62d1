// Asks keyledger. Everything here is the public API: whatever this page does, a script can do.

const PATIENCE = 40_000; // Milliseconds.

/** Who is signed in, as /v1/session tells it. */
export let session = null;

/** What a request failed with. `status` is 0 where no answer came; `errors` are about members of the body. */
export class Problem extends Error {
  constructor(status, text, body = {}) {
    super(text);
    this.status = status;
    this.errors = body.errors ?? [];
  }
}

/** Whether trying the same again may help. */
export const isPassing = (error) => error.status === 0 || error.status === 503 || error.status === 429;

/** The position that the newest answer was at: what is asked next is at least as new. */
export let position = 0;

/** Sends a request. Returns {status, headers, body}, where a JSON body is parsed. Throws a Problem. */
export async function call(method, path, { body, headers = {}, as = "json", cache = "no-store" } = {}) {
  const all = { Accept: as === "json" ? "application/json" : as, ...headers };
  if (body !== undefined) all["Content-Type"] ??= "application/json";
  if (method !== "GET" && session?.csrf_token) all["Keyledger-CSRF"] = session.csrf_token;
  let answer;
  let text;
  try {
    answer = await fetch(path, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
      cache,
    });
    text = await answer.text();
  } catch {
    throw new Problem(0, "No answer came. Check the connection, then try again.");
  }
  position = Math.max(position, Number(answer.headers.get("Keyledger-Position") ?? 0));
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json") && as === "json";
  let parsed = text;
  if (text && (isJson || !answer.ok)) {
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = {};
    }
  }
  if (answer.ok) return { status: answer.status, headers: answer.headers, body: parsed };
  if (answer.status === 401) window.dispatchEvent(new Event("signed-out"));
  const detail = parsed?.detail ?? `The service answered ${answer.status}.`;
  throw new Problem(answer.status, detail.charAt(0).toUpperCase() + detail.slice(1), parsed);
}

export async function loadSession() {
  session = (await call("GET", "/v1/session")).body;
  return session;
}

export const signOut = () => call("DELETE", "/v1/session");
export const may = (scope) => session.scopes.includes(scope);
export const accountPath = () => `/v1/accounts/${encodeURIComponent(session.account)}`;
export const keysPath = () => `${accountPath()}/keys`;
export const keyPath = (id) => `${keysPath()}/${encodeURIComponent(id)}`;

/** A text that nobody has used before, for Idempotency-Key. */
export function freshId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The whole key as it is now. */
export async function getKey(id) {
  return (await call("GET", keyPath(id), { headers: { "Keyledger-Min-Position": String(position) } })).body;
}

/**
 * Changes that must not be done twice: sends `send()` again, a few times, while no answer comes. Whoever calls gives
 * each try the same Idempotency-Key.
 */
export async function insist(send) {
  for (let pause = 300; ; pause *= 3) {
    try {
      return await send();
    } catch (error) {
      if (error.status !== 0 || pause > 1000 || !navigator.onLine) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
