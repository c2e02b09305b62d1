// What a person does with the page, step by step, and what programs then find.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { accessibility, clipboard, eventually, launch, Ledger, owner, row, visitor, ACCOUNT, test } from "./ledger.mjs";

let browser;
let ledger;

before(async () => {
  browser = await launch();
  ledger = await Ledger.start();
});

after(async () => {
  await browser.close();
  await ledger.stop();
});

const dialog = (page) => page.getByRole("dialog");

async function addKey(page, name, description = "") {
  await page.getByRole("button", { name: "Add API Key" }).click();
  await dialog(page).getByLabel("Name", { exact: true }).fill(name);
  await dialog(page).getByLabel("Description", { exact: true }).fill(description);
  await dialog(page).getByRole("button", { name: "Create", exact: true }).click();
  await dialog(page).waitFor({ state: "detached" });
  await row(page, name).waitFor();
}

async function copy(page, name) {
  await row(page, name).getByRole("button", { name: /^Copy/ }).click();
  await page.getByText(`Copied the API key “${name}”`).waitFor();
  return clipboard(page);
}

async function settings(page, name) {
  await row(page, name).getByRole("button", { name: /^Settings/ }).click();
  await dialog(page).getByRole("button", { name: "Save" }).waitFor();
}

async function save(page) {
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).waitFor({ state: "detached" });
}

test("the seed's five steps, and then a program signs in with what was copied", async () => {
  const page = await visitor(browser, ledger);
  await page.goto(ledger.link); // 1: what serve printed opens API Keys.
  await page.getByRole("heading", { name: "No API keys yet" }).waitFor();
  assert.equal(page.url(), `${ledger.url}/`);
  await page.getByRole("button", { name: "Add API Key" }).click(); // 2
  assert.ok(await dialog(page).getByLabel("Enabled", { exact: true }).isChecked());
  await dialog(page).getByLabel("Name", { exact: true }).fill("Zapier"); // 3
  await dialog(page).getByLabel("Description", { exact: true }).fill("Sends leads to the CRM");
  await dialog(page).getByRole("button", { name: "Create", exact: true }).click(); // 4
  const made = row(page, "Zapier");
  await made.waitFor();
  for (const text of ["Sends leads to the CRM", "Enabled", "kl_…"]) await made.filter({ hasText: text }).waitFor();
  const value = await copy(page, "Zapier"); // 5
  assert.match(value, /^kl_[0-9A-Za-z]{49}$/);
  assert.equal(await ledger.signInStatus(value), 200);
  const types = (await ledger.events()).map((event) => event.type);
  assert.deepEqual(types.slice(-2), ["keyledger.KeyCreated", "keyledger.KeyValueRevealed"]);
  page.quiet();
});

test("disabled is refused, enabled is let in, renamed is found, deleted is gone", async () => {
  const page = await owner(browser, ledger);
  await addKey(page, "Office server");
  const value = await copy(page, "Office server");

  await settings(page, "Office server");
  await dialog(page).getByLabel("Enabled", { exact: true }).uncheck();
  await dialog(page).getByLabel("Reason").fill("laptop lost");
  await save(page);
  await row(page, "Office server").getByText("Disabled", { exact: true }).waitFor();
  assert.equal(await ledger.signInStatus(value), 401);
  assert.equal((await ledger.events()).at(-1).data.reason, "laptop lost");

  await settings(page, "Office server");
  await dialog(page).getByLabel("Enabled", { exact: true }).check();
  await dialog(page).getByLabel("Name", { exact: true }).fill("Cloud server");
  await dialog(page).getByLabel("Description", { exact: true }).fill("moved");
  await save(page);
  await row(page, "Cloud server").getByText("Enabled", { exact: true }).waitFor();
  assert.equal(await ledger.signInStatus(value), 200);

  await settings(page, "Cloud server");
  await dialog(page).getByRole("button", { name: "Delete" }).click();
  await dialog(page).getByText("stops working").waitFor();
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  assert.equal(await ledger.signInStatus(value), 200);
  await settings(page, "Cloud server");
  await dialog(page).getByRole("button", { name: "Delete" }).click();
  await dialog(page).getByText("Delete “Cloud server”?").waitFor();
  await dialog(page).getByLabel("Reason").fill("no longer used");
  await dialog(page).getByRole("button", { name: "Delete" }).click();
  await row(page, "Cloud server").waitFor({ state: "detached" });
  assert.equal(await ledger.signInStatus(value), 401);

  await page.getByRole("link", { name: "History" }).click();
  await page.getByRole("listitem").filter({ hasText: "deleted “Cloud server”" }).filter({ hasText: "no longer used" }).waitFor();
  await page.getByRole("listitem").filter({ hasText: "disabled" }).filter({ hasText: "laptop lost" }).waitFor();
  page.quiet();
});

test("two browsers on one account see each other's changes without a reload", async () => {
  const [ada, bob] = await Promise.all([owner(browser, ledger), owner(browser, ledger)]);
  await addKey(ada, "Shared key");
  await row(bob, "Shared key").waitFor();
  await settings(bob, "Shared key");
  await dialog(bob).getByLabel("Name", { exact: true }).fill("Renamed key");
  await save(bob);
  await row(ada, "Renamed key").waitFor();

  // Both have it open: what one saves, the other sees, and nothing is written over.
  await settings(ada, "Renamed key");
  await dialog(ada).getByLabel("Description", { exact: true }).fill("ada's words");
  await settings(bob, "Renamed key");
  await dialog(bob).getByLabel("Name", { exact: true }).fill("Bob's name");
  await save(bob);
  await dialog(ada).getByText("was changed elsewhere").waitFor();
  assert.equal(await dialog(ada).getByLabel("Description", { exact: true }).inputValue(), "ada's words");
  assert.equal(await dialog(ada).getByLabel("Name", { exact: true }).inputValue(), "Bob's name");
  await save(ada);
  await row(bob, "ada's words").filter({ hasText: "Bob's name" }).waitFor();

  await settings(bob, "Bob's name");
  await dialog(bob).getByRole("button", { name: "Delete" }).click();
  await dialog(bob).getByText("Delete “Bob's name”?").waitFor();
  await dialog(bob).getByRole("button", { name: "Delete" }).click();
  await row(ada, "Bob's name").waitFor({ state: "detached" });
  ada.quiet();
  bob.quiet();
});

test("a change that the page did not hear of is met by 412, shown, and saved only when asked again", async () => {
  const page = await owner(browser, ledger);
  // The page hears nothing: the feed can't be reached.
  await page.route("**/v1/events?*", (route) => route.abort());
  await page.reload();
  await addKey(page, "Contested");
  const key = (await ledger.ask("GET", `/v1/accounts/${ACCOUNT}/keys?q=Contested`)).keys[0];
  await settings(page, "Contested");
  await dialog(page).getByLabel("Name", { exact: true }).fill("Mine");
  await ledger.ask("PATCH", `/v1/accounts/${ACCOUNT}/keys/${key.id}`, { name: "Theirs", description: "theirs too", expires_at: "2031-05-06T07:08:00Z" });
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).getByText("the name “Theirs”").waitFor();
  assert.equal((await ledger.ask("GET", `/v1/accounts/${ACCOUNT}/keys/${key.id}`)).name, "Theirs");
  await save(page);
  const now = await ledger.ask("GET", `/v1/accounts/${ACCOUNT}/keys/${key.id}`);
  assert.deepEqual([now.name, now.description], ["Mine", "theirs too"]);
  assert.equal(Date.parse(now.expires_at), Date.parse("2031-05-06T07:08:00Z"), "what nobody touched here stays theirs");
});

test("everything can be done from the keyboard alone", async () => {
  const page = await owner(browser, ledger);
  const focused = () => page.evaluate(() => {
    const { activeElement } = document;
    return activeElement === document.body ? "" : activeElement.textContent || activeElement.id;
  });
  const tabTo = async (text) => {
    for (let i = 0; i < 60; i++) {
      if ((await focused()).includes(text)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`Tab never reaches ${text}`);
  };
  await ledger.create({ name: "The one beside it" });
  await row(page, "The one beside it").waitFor();
  await tabTo("Add API Key");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "field-name");
  await page.keyboard.type("From the keyboard");
  await page.keyboard.press("Enter");
  await row(page, "From the keyboard").waitFor();
  await eventually(async () => (await focused()).startsWith("Copy"), "the new key's copy button has the focus");
  await page.keyboard.press("Enter");
  await page.getByText("Copied the API key “From the keyboard”").waitFor();
  await tabTo("Settings of “From the keyboard”");
  await page.keyboard.press("Space");
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
  assert.ok((await focused()).includes("Settings of “From the keyboard”"), "the focus is back where it was");
  await page.keyboard.press("Enter");
  await tabTo("field-enabled");
  await page.keyboard.press("Space");
  await tabTo("Save");
  await page.keyboard.press("Enter");
  await row(page, "From the keyboard").getByText("Disabled", { exact: true }).waitFor();
  await tabTo("Settings of “From the keyboard”");
  await page.keyboard.press("Enter");
  await tabTo("Delete");
  await page.keyboard.press("Enter");
  await dialog(page).getByText("stops working").waitFor();
  assert.equal(await focused(), "Cancel", "what can't be undone isn't one key away");
  await tabTo("Delete");
  await page.keyboard.press("Enter");
  await row(page, "From the keyboard").waitFor({ state: "detached" });
  await eventually(async () => (await focused()) === "Settings of “The one beside it”", "one goes on beside where the key was");
  page.quiet();
});

test("whoever deletes a key goes on beside it, also where the feed tells of it before the answer is there", async () => {
  for (const name of ["Beside", "Taken off"]) await ledger.create({ name });
  const page = await owner(browser, ledger);
  await row(page, "Taken off").waitFor();
  await page.route("**/v1/accounts/*/keys/*", async (route) => {
    if (route.request().method() !== "DELETE") return route.continue();
    const response = await route.fetch();
    await row(page, "Taken off").waitFor({ state: "detached" });
    return route.fulfill({ response });
  });
  await settings(page, "Taken off");
  await dialog(page).getByRole("button", { name: "Delete" }).click();
  await dialog(page).getByText("stops working").waitFor();
  await dialog(page).getByRole("button", { name: "Delete" }).click();
  await page.getByText("“Taken off” is deleted.").waitFor();
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  await eventually(async () => (await focused()) === "Settings of “Beside”", "the focus is in the row beside it");
});

test("where there are replicas, disable and delete can wait until every one of them refuses", async () => {
  const page = await visitor(browser, ledger);
  await page.route("**/v1/session", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), replicas: 3 } });
  });
  await page.goto(ledger.signInLink());
  await addKey(page, "Everywhere");
  const asked = [];
  page.on("request", (request) => asked.push([request.method(), request.headers().prefer]));
  await settings(page, "Everywhere");
  assert.equal(await dialog(page).getByLabel("Wait until").isVisible(), false);
  await dialog(page).getByLabel("Enabled", { exact: true }).uncheck();
  await dialog(page).getByLabel("Wait until it is refused everywhere").check();
  await save(page);
  await page.getByText("It is refused everywhere now.").waitFor();
  await settings(page, "Everywhere");
  await dialog(page).getByRole("button", { name: "Delete" }).click();
  await dialog(page).getByLabel("Wait until it is refused everywhere").check();
  await dialog(page).getByRole("button", { name: "Delete" }).click();
  await page.getByText("“Everywhere” is deleted. It is refused everywhere now.").waitFor();
  assert.deepEqual(asked.filter(([, prefer]) => prefer), [["PATCH", "wait=10"], ["DELETE", "wait=10"]]);
  page.quiet();
});

test("search, filter and sort", async () => {
  const page = await owner(browser, ledger);
  for (const [name, members] of [["Apple", {}], ["Banana", { enabled: false }], ["Cherry", { description: "an apple tree" }]]) {
    await ledger.create({ name, ...members });
    await row(page, name).first().waitFor();
  }
  const names = () => page.locator(".rows .name").allInnerTexts();
  const becomes = async (wanted) => {
    await eventually(async () => JSON.stringify(await names()) === JSON.stringify(wanted), `${wanted} are shown`);
  };
  await page.getByLabel("Search").fill("apple");
  await becomes(["Cherry", "Apple"]);
  await page.getByLabel("Sort").selectOption("Name, A to Z");
  await becomes(["Apple", "Cherry"]);
  await page.getByLabel("Search").fill("banana");
  await page.getByLabel("Show").selectOption("Working");
  await page.getByText("No key fits.").waitFor();
  await page.getByLabel("Show").selectOption("Disabled");
  await becomes(["Banana"]);
  page.quiet();
});

test("the history is told in words, filtered and downloaded", async () => {
  const page = await owner(browser, ledger);
  const key = await ledger.create({ name: "Told" });
  await ledger.ask("DELETE", `/v1/accounts/${ACCOUNT}/keys/${key.id}?reason=done`);
  await page.getByRole("link", { name: "History" }).click();
  // Not by its innerText: that is empty until the browser has seen that the item is in sight (content-visibility).
  const told = page.getByRole("listitem").filter({ hasText: "Reason: done" });
  await told.filter({ hasText: /ada@example\.com deleted “Told”.*from 127\.0\.0\.1/ }).waitFor();
  await page.getByLabel("Show").selectOption("Deleted");
  const shown = () => page.locator(".timeline li").allInnerTexts();
  await eventually(async () => (await shown()).length > 0 && (await shown()).every((one) => one.includes("deleted")), "deletions alone");
  for (const [name, has] of [["CSV", "position,time,type"], ["NDJSON", '"type":"keyledger.KeyDeleted"']]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: `Download ${name}` }).click()]);
    const stream = await download.createReadStream();
    let text = "";
    for await (const piece of stream) text += piece;
    assert.ok(text.includes(has), text.slice(0, 200));
    assert.ok(!text.includes("KeyCreated"), "filtered as the list is");
  }
  await ledger.create({ name: "Live in the history" });
  await page.getByLabel("Show").selectOption("Everything");
  await page.getByRole("listitem").filter({ hasText: "Live in the history" }).waitFor();
  page.quiet();
});

test("a key's own history is a click away, and stays after a reload and after the key", async () => {
  const page = await owner(browser, ledger);
  await addKey(page, "With a past");
  await settings(page, "With a past");
  await dialog(page).getByRole("button", { name: "History" }).click();
  await page.getByRole("heading", { name: "History of “With a past”" }).waitFor();
  const items = page.getByRole("listitem").filter({ hasText: "ada@example.com" });
  await items.filter({ hasText: "created “With a past”" }).waitFor();
  assert.equal(await items.count(), 1, "nothing of other keys");
  const id = page.url().split("/").at(-1);
  await ledger.ask("DELETE", `/v1/accounts/${ACCOUNT}/keys/${id}?reason=over`);
  await items.filter({ hasText: "deleted “With a past”" }).filter({ hasText: "over" }).waitFor();
  await page.reload();
  await items.filter({ hasText: "deleted “With a past”" }).waitFor();
  assert.equal(await items.count(), 2);
  await page.getByRole("button", { name: "All history" }).click();
  await page.getByRole("heading", { name: "History", exact: true }).waitFor();
  await items.filter({ hasText: "registered the account" }).waitFor();
  page.quiet();
});

test("an expiry can be set, is shown, and can be taken off again", async () => {
  const page = await owner(browser, ledger);
  await addKey(page, "Expiring");
  const stored = async () => (await ledger.ask("GET", `/v1/accounts/${ACCOUNT}/keys?q=Expiring`)).keys[0].expires_at;
  await settings(page, "Expiring");
  await dialog(page).getByLabel("Expires").fill("2031-07-01T12:00");
  await save(page);
  await row(page, "Expiring").getByText("until Jul 1, 2031").waitFor();
  assert.equal(await stored(), "2031-07-01T10:00:00.000000Z", "noon in the reader's Berlin");
  await settings(page, "Expiring");
  assert.equal(await dialog(page).getByLabel("Expires").inputValue(), "2031-07-01T12:00");
  await dialog(page).getByLabel("Expires").fill("");
  await save(page);
  await row(page, "Expiring").getByText("until ").waitFor({ state: "detached" });
  assert.equal(await stored(), null);
  page.quiet();
});

test("the API reference has every operation of the contract", async () => {
  const page = await owner(browser, ledger);
  await page.getByRole("link", { name: "API reference" }).click();
  await page.getByRole("heading", { name: "Validation" }).waitFor();
  const contract = await (await fetch(`${ledger.url}/openapi.yaml`)).text();
  const operations = contract.match(/^ {6}operationId: /gm).length;
  assert.equal(await page.locator(".operation").count(), operations);
  assert.equal(await page.locator(".operation > p:first-of-type:not(:empty)").count(), operations);
  assert.deepEqual(await accessibility(page), []);
  page.quiet();
});

test("signing out ends the session", async () => {
  const page = await owner(browser, ledger);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  const status = await page.evaluate(async () => (await fetch("/v1/session")).status);
  assert.equal(status, 401);
});
