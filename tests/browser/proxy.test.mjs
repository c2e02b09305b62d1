// The page behind a real nginx that signs its users in and adds the bearer token: no session, no cookie, all the rest.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before } from "node:test";

import { ACCOUNT, clipboard, eventually, launch, Ledger, row, visitor, test } from "./ledger.mjs";

let browser;
let ledger;
let nginx;
let url;

/** A port of 127.0.0.1 that was free a moment ago. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const listens = (port) => new Promise((resolve) => {
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => (socket.destroy(), resolve(true)));
  socket.once("error", () => resolve(false));
});

before(async () => {
  browser = await launch();
  ledger = await Ledger.start();
  const port = await freePort();
  const work = ledger.directory;
  writeFileSync(join(work, "nginx.conf"), `
daemon off;
master_process off;
pid ${work}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${work}/body;
  proxy_temp_path ${work}/proxy;
  fastcgi_temp_path ${work}/fastcgi;
  uwsgi_temp_path ${work}/uwsgi;
  scgi_temp_path ${work}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${ledger.url};
      proxy_set_header Host $http_host;
      proxy_set_header Authorization "Bearer ${ledger.token()}";
    }
  }
}`);
  nginx = spawn("/usr/sbin/nginx", ["-p", work, "-c", join(work, "nginx.conf"), "-e", "stderr"], { stdio: "ignore" });
  await eventually(() => listens(port), "nginx listens");
  url = `http://127.0.0.1:${port}`;
});

after(async () => {
  await browser.close();
  const ended = new Promise((resolve) => nginx.once("exit", resolve));
  nginx.kill("SIGTERM");
  await ended;
  await ledger.stop();
});

test("whom a proxy signs in has the page, its changes and the live feed, without a cookie", async () => {
  const page = await visitor(browser, { url });
  await page.goto(url);
  await page.getByRole("button", { name: "Add API Key" }).click();
  await page.getByRole("dialog").getByLabel("Name", { exact: true }).fill("Through nginx");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await row(page, "Through nginx").getByRole("button", { name: /^Copy/ }).click();
  await page.getByText("Copied the API key").waitFor();
  assert.equal(await ledger.signInStatus(await clipboard(page)), 200);
  await ledger.create({ name: "By another program" });
  await row(page, "By another program").waitFor();
  const key = (await ledger.ask("GET", `/v1/accounts/${ACCOUNT}/keys?q=another`)).keys[0];
  await ledger.ask("DELETE", `/v1/accounts/${ACCOUNT}/keys/${key.id}`);
  await row(page, "By another program").waitFor({ state: "detached" });
  assert.equal(await page.getByRole("button", { name: "Sign out" }).count(), 0);
  assert.deepEqual(await page.context().cookies(), []);
  page.quiet();
});
