// What the page must stand: other people's texts, slow and broken networks, small and dark screens, ten thousand keys.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";

import { accessibility, ACCOUNT, clipboard, eventually, launch, Ledger, owner, row, visitor, test } from "./ledger.mjs";

let browser;
let ledger;
const screens = process.env.SCREENS; // A folder for pictures, where they are wanted.

before(async () => {
  browser = await launch();
  ledger = await Ledger.start();
  if (screens) mkdirSync(screens, { recursive: true });
});

after(async () => {
  await browser.close();
  await ledger.stop();
});

const dialog = (page) => page.getByRole("dialog");
const picture = async (page, name) => screens && page.screenshot({ path: join(screens, `${name}.png`) });

/** Whether something is wider than the screen. */
const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

const KEYS = [
  { name: "Old laptop", description: "Lost in March", enabled: false },
  { name: "Nightly sync script", description: "Runs at 02:00 on the office server" },
  { name: "SQL Database connector" },
  { name: "Zapier", description: "Sends new leads to the CRM", expires_at: "2030-06-01T00:00:00Z" },
];

test("every screen is accessible and fits, wide and 360 px, light and dark", async () => {
  const own = await Ledger.start();
  try {
    const welcome = await owner(browser, own, { viewport: { width: 1200, height: 760 } });
    await welcome.getByRole("heading", { name: "No API keys yet" }).waitFor();
    await picture(welcome, "empty");
    for (const key of KEYS) await own.create(key);
    for (const [name, options] of [
      ["wide", { viewport: { width: 1200, height: 760 } }],
      ["wide-dark", { viewport: { width: 1200, height: 760 }, colorScheme: "dark" }],
      ["phone", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
      ["phone-dark", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark" }],
    ]) {
      const page = await owner(browser, own, options);
      const look = async (screen) => {
        assert.deepEqual(await accessibility(page), [], `${screen} ${name}`);
        assert.equal(await overflow(page), 0, `${screen} ${name} is too wide`);
        await picture(page, `${screen}-${name}`);
      };
      await row(page, "Zapier").waitFor();
      await look("list");
      await page.getByRole("button", { name: "Add API Key" }).click();
      await look("add");
      await dialog(page).getByRole("button", { name: "Create" }).click();
      await dialog(page).getByText("Give it a name.").waitFor();
      await look("add-error");
      await page.keyboard.press("Escape");
      await row(page, "Zapier").getByRole("button", { name: /^Settings/ }).click();
      await look("settings");
      await dialog(page).getByRole("button", { name: "Delete" }).click();
      await dialog(page).getByText("stops working").waitFor();
      await look("delete");
      await page.keyboard.press("Escape");
      await page.getByRole("link", { name: "History" }).click();
      await page.getByRole("listitem").filter({ hasText: "created “Zapier”" }).waitFor();
      await look("history");
      page.quiet();
      await page.context().close();
    }
  } finally {
    await own.stop();
  }
});

test("nothing that people write is ever run", async () => {
  const page = await owner(browser, ledger);
  const attacks = [
    "<script>console.log('ran')</script>", "<img src=x onerror=\"console.log('ran')\">", "\"><svg onload=alert(1)>",
    "javascript:alert(1)", "{{constructor.constructor('alert(1)')()}}", "</title><script>alert(1)</script>", "${alert(1)}",
    "'; alert(1); //", "<a href=\"javascript:alert(1)\">x</a>", "<base href=\"https://evil.example/\">",
  ];
  for (const text of attacks) {
    const key = await ledger.create({ name: text, description: text });
    await ledger.ask("PATCH", `/v1/accounts/${ACCOUNT}/keys/${key.id}`, { enabled: false, reason: text }, { "User-Agent": text });
    await row(page, text).first().waitFor();
  }
  for (const text of attacks.slice(0, 3)) {
    await row(page, text).first().getByRole("button", { name: /^Settings/ }).click();
    assert.equal(await dialog(page).getByLabel("Name", { exact: true }).inputValue(), text);
    await dialog(page).getByRole("button", { name: "Delete" }).click();
    await dialog(page).getByText("stops working").waitFor();
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
  }
  await row(page, attacks[1]).first().getByRole("button", { name: /^Copy/ }).click();
  await page.getByText("Copied the API key").waitFor();
  await page.getByRole("link", { name: "History" }).click();
  for (const text of attacks) await page.getByRole("listitem").filter({ hasText: `Reason: ${text}` }).first().waitFor();
  page.quiet();
  // And the browser itself would not have it: inline code is against the page's policy.
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    try {
      script.textContent = "window.ran = true";
      document.body.append(script);
    } catch {
      // Trusted Types say no even sooner.
    }
    return window.ran === true;
  });
  assert.equal(ran, false);
});

test("a lost answer, and a double click, make one key", async () => {
  const page = await owner(browser, ledger);
  let lost = 0;
  await page.route("**/v1/accounts/*/keys", async (route) => {
    if (route.request().method() !== "POST" || lost++ > 0) return route.continue();
    await route.fetch(); // The service does it,
    return route.abort(); // and the answer is lost.
  });
  await page.getByRole("button", { name: "Add API Key" }).click();
  await dialog(page).getByLabel("Name", { exact: true }).fill("Once only");
  await dialog(page).getByRole("button", { name: "Create" }).dblclick();
  await dialog(page).waitFor({ state: "detached" });
  await row(page, "Once only").waitFor();
  const found = (await ledger.ask("GET", `/v1/accounts/${ACCOUNT}/keys?q=Once%20only`)).keys;
  assert.equal(found.length, 1);
  assert.equal(await row(page, "Once only").count(), 1);
  assert.ok(lost >= 2);
});

test("on a failing network every screen says what failed and how to try again", async () => {
  await ledger.create({ name: "Behind a bad line" });
  const page = await owner(browser, ledger);
  await row(page, "Behind a bad line").waitFor();
  const down = async (pattern) => page.route(pattern, (route) => route.abort());
  const up = (pattern) => page.unroute(pattern);

  await down("**/reveal");
  await row(page, "Behind a bad line").getByRole("button", { name: /^Copy/ }).click();
  await page.getByRole("alert").getByText("wasn’t copied").waitFor();
  await up("**/reveal");
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await page.getByText("Copied the API key “Behind a bad line”").waitFor();
  assert.match(await clipboard(page), /^kl_/);

  await down("**/v1/accounts/*/keys?*");
  await page.getByLabel("Search").fill("behind");
  await page.getByText("No answer came.").waitFor();
  await up("**/v1/accounts/*/keys?*");
  await page.getByRole("button", { name: "Try again" }).click();
  await row(page, "Behind a bad line").waitFor();

  await page.route("**/v1/accounts/*/keys/*", (route) => (route.request().method() === "PATCH"
    ? route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail":"nobody leads now"}' }) : route.continue()));
  await row(page, "Behind a bad line").getByRole("button", { name: /^Settings/ }).click();
  await dialog(page).getByLabel("Description", { exact: true }).fill("typed once");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).getByText("Nobody leads now").waitFor();
  await up("**/v1/accounts/*/keys/*");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await row(page, "typed once").waitFor();
});

test("on a slow network a button shows that it works, and the page stays usable", async () => {
  const page = await owner(browser, ledger);
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route("**/v1/accounts/*/keys", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("button", { name: "Add API Key" }).click();
  await dialog(page).getByLabel("Name", { exact: true }).fill("Slowly made");
  const create = dialog(page).getByRole("button", { name: "Create" });
  await create.click();
  assert.equal(await create.getAttribute("aria-busy"), "true");
  await dialog(page).getByLabel("Description", { exact: true }).fill("meanwhile");
  go();
  await row(page, "Slowly made").waitFor();
  page.quiet();
});

test("what the service finds wrong stands beside its field", async () => {
  const page = await owner(browser, ledger);
  await page.getByRole("button", { name: "Add API Key" }).click();
  await dialog(page).getByLabel("Name", { exact: true }).fill("Over already");
  await dialog(page).getByLabel("Expires").fill("2020-01-01T00:00");
  await dialog(page).getByRole("button", { name: "Create" }).click();
  const expires = dialog(page).getByLabel("Expires");
  await eventually(async () => (await expires.getAttribute("aria-invalid")) === "true", "the field is marked");
  assert.notEqual(await dialog(page).locator("#field-expires_at-error").innerText(), "");
  await expires.fill("");
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await row(page, "Over already").waitFor();
});

test("where values are shown once, the new value is shown then, and the page says why there is no copy icon", async () => {
  const once = await Ledger.start("--values", "once");
  try {
    const page = await owner(browser, once, { viewport: { width: 1200, height: 760 } });
    await page.getByRole("button", { name: "Add API Key" }).click();
    await dialog(page).getByLabel("Name", { exact: true }).fill("Seen once");
    await dialog(page).getByRole("button", { name: "Create" }).click();
    await page.getByText("never again").waitFor();
    await picture(page, "once");
    assert.deepEqual(await accessibility(page), []);
    await page.getByRole("button", { name: "Copy the API key" }).click();
    await page.getByText("Copied the API key").waitFor();
    assert.equal(await once.signInStatus(await clipboard(page)), 200);
    await page.getByRole("button", { name: "I have stored it" }).click();
    await page.getByText("value is shown once").waitFor();
    assert.equal(await row(page, "Seen once").getByRole("button", { name: /^Copy/ }).count(), 0);
    page.quiet();
  } finally {
    await once.stop();
  }
});

test("ten thousand keys: few are fetched at first, all can be reached, and a search finds the last", async () => {
  const many = await Ledger.start();
  try {
    for (let i = 0; i < 10_000; i += 200) {
      await Promise.all(Array.from({ length: 200 }, (_, j) => many.create({ name: `Key ${i + j}` })));
    }
    const page = await owner(browser, many);
    const rows = () => page.locator(".rows .row").count();
    await eventually(async () => (await rows()) >= 50, "the first page");
    assert.ok((await rows()) < 1000, "a page at first");
    while ((await rows()) < 10_000) {
      const before = await rows();
      await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
      await eventually(async () => (await rows()) > before, "more keys");
    }
    // A change elsewhere is one row's, not the list's.
    const key = (await many.ask("GET", `/v1/accounts/${ACCOUNT}/keys?q=Key%209999`)).keys[0];
    await many.ask("PATCH", `/v1/accounts/${ACCOUNT}/keys/${key.id}`, { name: "Changed elsewhere" });
    await page.locator(".rows .name", { hasText: "Changed elsewhere" }).waitFor({ state: "attached" });
    assert.equal(await rows(), 10_000);
    await page.locator("#search").fill("Key 777");
    await eventually(async () => (await rows()) === 11, "those that the search finds");
    page.quiet();
  } finally {
    await many.stop();
  }
});

test("over TLS the session is kept in a cookie that this host alone can set", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keyledger-certificate-"));
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const secure = await Ledger.start("--tls-cert", certificate, "--tls-key", key);
  rmSync(folder, { recursive: true });
  try {
    const page = await owner(browser, secure, { ignoreHTTPSErrors: true });
    await page.getByRole("button", { name: "Add API Key" }).click();
    await dialog(page).getByLabel("Name", { exact: true }).fill("Over TLS");
    await dialog(page).getByRole("button", { name: "Create", exact: true }).click();
    await row(page, "Over TLS").waitFor();
    await page.reload();
    await row(page, "Over TLS").waitFor();
    const cookies = await page.context().cookies();
    assert.deepEqual(cookies.map(({ name, secure: isSecure, httpOnly, sameSite, path }) => [name, isSecure, httpOnly, sameSite, path]),
      [["__Host-keyledger_session", true, true, "Strict", "/"]]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
    page.quiet();
  } finally {
    await secure.stop();
  }
});

test("a visitor without a session gets the page, no data, and the way in", async () => {
  const page = await visitor(browser, ledger);
  await page.goto(ledger.url);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.deepEqual(await accessibility(page), []);
});

test("the page's files: compressed below 60 KiB, with entity tags, a strict policy, and nothing inline", async () => {
  let bytes = 0;
  const page = await visitor(browser, ledger);
  const paths = [];
  page.on("response", async (response) => {
    const path = new URL(response.url()).pathname;
    if (!path.startsWith("/v1")) paths.push(path);
  });
  await page.goto(ledger.url);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.ok(paths.length >= 10, `${paths}`);
  for (const path of new Set(paths)) {
    const answer = await fetch(ledger.url + path, { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(answer.headers.get("Content-Encoding"), "gzip", path);
    bytes += Number(answer.headers.get("Content-Length"));
    const policy = answer.headers.get("Content-Security-Policy");
    assert.ok(policy.includes("default-src 'none'") && !policy.includes("unsafe"), policy);
    assert.equal(answer.headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal(answer.headers.get("Referrer-Policy"), "no-referrer");
    const again = await fetch(ledger.url + path, { headers: { "Accept-Encoding": "gzip", "If-None-Match": answer.headers.get("ETag") } });
    assert.equal(again.status, 304, path);
    const plain = await fetch(ledger.url + path, { headers: { "Accept-Encoding": "identity, gzip;q=0" } });
    assert.equal(plain.headers.get("Content-Encoding"), null);
    assert.notEqual(plain.headers.get("ETag"), answer.headers.get("ETag"));
    assert.equal(await plain.text(), await answer.text());
  }
  assert.ok(bytes < 60 * 1024, `${bytes} bytes`);
});
