// Runs the real keyledger and real Chromium for the tests of the settings page.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test as nodeTest } from "node:test";

const here = new URL(".", import.meta.url).pathname;
const modules = process.env.BROWSER_MODULES
  ?? execFileSync("/usr/bin/python3", ["-B", join(here, "../support/npm.py"), here], { encoding: "utf8" }).trim();
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const program = process.env.KEYLEDGER ?? join(here, "../../build/dev/keyledger");

/** Where what a failed test saw is kept. */
const failures = process.env.BROWSER_FAILURES ?? join(tmpdir(), "keyledger-browser-failures");
/** The pages and services of the test that runs. */
let open = [];
const ledgers = new Set();

export const ACCOUNT = "acme";
export const USERNAME = "ada@example.com";

/** `keyledger serve` on a free port, with a data directory of its own. */
export class Ledger {
  static async start(...flags) {
    const ledger = new Ledger();
    ledger.directory = mkdtempSync(join(tmpdir(), "keyledger-browser-"));
    const log = openSync(join(ledger.directory, "log"), "a");
    ledger.process = spawn(program, ["serve", "--data-dir", join(ledger.directory, "data"), "--listen", "127.0.0.1:0",
      "--page-account", ACCOUNT, "--page-username", USERNAME, ...flags],
    { stdio: ["ignore", "pipe", log] });
    closeSync(log);
    ledgers.add(ledger);
    for await (const line of createInterface(ledger.process.stdout)) {
      if (line.startsWith("Listening on ")) ledger.url = line.slice("Listening on ".length);
      if (!line.startsWith("Sign in: ")) continue;
      ledger.link = line.slice("Sign in: ".length);
      return ledger;
    }
    throw new Error("keyledger ended before it served");
  }

  /** Another one-time link. */
  signInLink() {
    const said = execFileSync(program, ["sign-in", "--data-dir", join(this.directory, "data")], { encoding: "utf8" });
    return said.match(/https?:\S+/)[0];
  }

  token(...flags) {
    return execFileSync(program, ["token", "--data-dir", join(this.directory, "data"), "--account", ACCOUNT,
      "--username", USERNAME, ...flags], { encoding: "utf8" }).trim();
  }

  /** Asks the API as a script would. */
  async ask(method, path, body, headers = {}) {
    this.bearer ??= this.token();
    const answer = await fetch(this.url + path, { method, body: body && JSON.stringify(body), headers: {
      Authorization: `Bearer ${this.bearer}`,
      ...(body ? { "Content-Type": method === "PATCH" ? "application/merge-patch+json" : "application/json" } : {}), ...headers } });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  create(members) {
    return this.ask("POST", `/v1/accounts/${ACCOUNT}/keys`, members);
  }

  async events() {
    return (await this.ask("GET", `/v1/accounts/${ACCOUNT}/events?limit=1000`)).events;
  }

  /** The status with which a program that was given `key` signs in. */
  async signInStatus(key) {
    const basic = Buffer.from(`${USERNAME}:${key}`).toString("base64");
    return (await fetch(`${this.url}/v1/forward-auth`, { headers: { Authorization: `Basic ${basic}` } })).status;
  }

  async stop() {
    ledgers.delete(this);
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.directory, { recursive: true });
  }
}

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
}

/**
 * A test of node's, whose browsers are closed when it ends. Where it fails, what each page showed, what it said and asked
 * last, and the services' logs are kept in a folder that the error names.
 */
export function test(name, body) {
  nodeTest(name, async (context) => {
    open = [];
    try {
      await body(context);
    } catch (error) {
      error.message += `\nWhat was seen is in ${await keep(name)}`;
      throw error;
    } finally {
      await Promise.all(open.map((page) => page.context().close().catch(() => {})));
    }
  });
}

async function keep(name) {
  const folder = join(failures, `${name.replace(/[^a-z0-9]+/gi, "-").slice(0, 60)}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  for (const [number, page] of open.entries()) {
    const file = (kind) => join(folder, `page-${number + 1}.${kind}`);
    try {
      writeFileSync(file("txt"), [page.url(), "", ...page.said, "", ...page.asked.slice(-30)].join("\n"));
      await page.screenshot({ path: file("png"), fullPage: true, timeout: 10_000 });
      writeFileSync(file("html"), await page.content());
    } catch (error) {
      writeFileSync(file("error.txt"), String(error)); // The page was closed, or is what hangs.
    }
  }
  for (const [number, ledger] of [...ledgers].entries()) copyFileSync(join(ledger.directory, "log"), join(folder, `ledger-${number + 1}.log`));
  return folder;
}

/** A browser of one's own, which notes what its console says and whom it asks. */
export async function visitor(browser, ledger, options = {}) {
  const context = await browser.newContext({ locale: "en-US", timezoneId: "Europe/Berlin",
    permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  open.push(page);
  page.setDefaultTimeout(20_000);
  page.said = [];
  page.asked = [];
  page.on("console", (message) => page.said.push(message.text()));
  page.on("pageerror", (error) => page.said.push(String(error)));
  page.on("dialog", (dialog) => {
    page.said.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  context.on("request", (request) => page.asked.push(request.url()));
  page.quiet = () => {
    assert.deepEqual(page.said, [], "the console stays empty");
    const foreign = page.asked.filter((url) => !url.startsWith(ledger.url) && !/^(data|blob):/.test(url));
    assert.deepEqual(foreign, [], "nothing is asked of another origin");
  };
  return page;
}

/** A visitor who is signed in and sees the list. */
export async function owner(browser, ledger, options = {}) {
  const page = await visitor(browser, ledger, options);
  await page.goto(ledger.signInLink());
  await page.getByRole("heading", { name: "API Keys", exact: true }).waitFor();
  return page;
}

/** Asks `condition` until it holds. In here, as the page's Content-Security-Policy lets no waitForFunction in. */
export async function eventually(condition, what) {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What axe-core holds against the page as it is now. */
export async function accessibility(page) {
  // By the debugger's own door, which the page's Content-Security-Policy doesn't close.
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations);
  return found.map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.html.slice(0, 150)).join(" | ")}`);
}

export const row = (page, name) => page.getByRole("row").filter({ hasText: name });
export const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());
