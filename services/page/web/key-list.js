// The keys of the account: searched, filtered and sorted by the service, more of them as one scrolls.
import { call, keysPath, may } from "./api.js";
import { FIRST_PAGE } from "./begin.js";
import { hintAndCopy, valuesAreShownOnce } from "./copy.js";
import { el, icon, time } from "./dom.js";
import { failure } from "./say.js";

const MORE = 250;
const ALL = 1000;

const SHOW = { "": "All keys", enabled: "Working", disabled: "Disabled", expired: "Expired" };
const SORT = {
  "created_at desc": "Newest first",
  "created_at asc": "Oldest first",
  "name asc": "Name, A to Z",
  "name desc": "Name, Z to A",
};

export const isExpired = (key) => key.expires_at !== null && new Date(key.expires_at) <= new Date();

function stateOf(key) {
  if (!key.enabled) return ["off", "Disabled"];
  return isExpired(key) ? ["over", "Expired"] : ["on", "Enabled"];
}

/** Rows in groups, so that the browser passes over whole groups that are out of sight. */
const GROUP = 20;
const group = (nodes) => el("div", { role: "rowgroup", class: "group" }, nodes);

function inGroups(nodes) {
  const groups = [];
  for (let i = 0; i < nodes.length; i += GROUP) groups.push(group(nodes.slice(i, i + GROUP)));
  return groups;
}

/** One row. `update(key)` shows the key as it is now. */
function keyRow(key, openSettings) {
  let shown = key;
  const cell = (name, ...content) => el("div", { role: "cell", "data-column": name }, ...content);
  const name = el("span", { class: "name" });
  const description = el("span", { class: "description" });
  const state = el("span");
  const expiry = el("span", { class: "quiet small" });
  const gearName = el("span", { class: "hidden" });
  const hint = hintAndCopy(() => shown);
  const gear = el("button", { type: "button", class: "icon-button", title: "Settings", onclick: () => openSettings(shown) }, icon("gear"), gearName);
  const node = el("div", { role: "row", class: "row" }, cell("Name", name), cell("Description", description),
    cell("Enabled", state, expiry), cell("API Key", ...hint), cell("Date Created", time(key.created_at)), cell("Actions", gear));
  const update = (now) => {
    shown = now;
    name.textContent = now.name;
    description.textContent = now.description ?? "";
    const [kind, text] = stateOf(now);
    state.className = `state ${kind}`;
    state.textContent = text;
    expiry.replaceChildren(...(now.expires_at && now.enabled && !isExpired(now) ? ["until ", time(now.expires_at)] : []));
    gearName.textContent = `Settings of “${now.name}”`;
    for (const part of hint) part.rename?.();
  };
  update(key);
  return { node, update, key: () => shown };
}

/** Whether what had the focus is gone, or is in a dialog that was just closed. */
const focusIsLost = () => document.activeElement === document.body || document.activeElement.closest("dialog:not([open])") !== null;

/** The row after `row`, or else the one before it. */
function neighbour(row) {
  const all = [...row.closest(".rows").querySelectorAll(".row")];
  const at = all.indexOf(row);
  return all[at + 1] ?? all[at - 1];
}

/**
 * `actions` are {add(), openSettings(key)}. `firstKeys` is a promise of the answer with the first of them, where they were
 * asked for already. `ready` gives the position of the first page when that is there: who follows
 * the account from it misses nothing.
 */
export function keyList(actions, firstKeys = null) {
  const rows = new Map();
  const body = el("div", { class: "rows" });
  const below = el("div", { class: "below" });
  const count = el("p", { class: "quiet small", role: "status" });
  const columns = ["Name", "Description", "Enabled", "API Key", "Date Created", "Actions"];
  const head = el("div", { role: "rowgroup", class: "head" },
    el("div", { role: "row", class: "row" }, columns.map((name) => el("div", { role: "columnheader" }, name))));
  const table = el("div", { role: "table", "aria-label": "API Keys", class: "table" }, head, body);
  const search = el("input", { type: "search", id: "search", placeholder: "Name or last four", autocomplete: "off", maxlength: 200 });
  const show = el("select", { id: "show" }, Object.entries(SHOW).map(([value, text]) => el("option", { value }, text)));
  const sort = el("select", { id: "sort" }, Object.entries(SORT).map(([value, text]) => el("option", { value }, text)));
  let turn = 0;
  let cursor = null;
  let loading = false;
  let typing = 0;
  let at = null; // The position that the first page was read at.
  let loaded = null;
  let left = null; // The row that was taken off last: its key's id, and the row beside it.
  const ready = new Promise((resolve) => (loaded = () => resolve(at)));

  const isPlain = () => !search.value.trim() && !show.value;
  const fits = (key) => {
    const text = search.value.trim().toLowerCase();
    if (show.value && stateOf(key)[1] !== { enabled: "Enabled", disabled: "Disabled", expired: "Expired" }[show.value]) return false;
    return !text || `${key.name}\n${key.description ?? ""}\n${key.id}\n${key.value_hint}`.toLowerCase().includes(text);
  };

  const summarize = () => {
    const many = rows.size === 1 ? "1 key" : `${rows.size.toLocaleString()} keys`;
    count.textContent = cursor ? `${many} shown, more as you scroll` : rows.size ? many : "";
    table.hidden = rows.size === 0;
    if (loading || rows.size > 0 || cursor) return;
    if (!isPlain()) below.replaceChildren(el("p", { class: "quiet" }, "No key fits."));
    else below.replaceChildren(el("div", { class: "empty" }, el("h2", {}, "No API keys yet"),
      el("p", {}, "A key lets a script or a service into this account without your password, and can be taken back alone."),
      may("keys:write") && el("button", { type: "button", class: "primary", onclick: actions.add }, "Create your first key")));
  };

  const query = (limit) => {
    const [by, order] = sort.value.split(" ");
    const asked = new URLSearchParams({ limit: String(limit), sort: by, order });
    if (search.value.trim()) asked.set("q", search.value.trim());
    if (show.value) asked.set("enabled", String(show.value !== "disabled"));
    if (cursor) asked.set("cursor", cursor);
    return asked;
  };

  const load = async (anew, asked = null) => {
    if (loading && !anew) return;
    const mine = ++turn;
    loading = true;
    if (anew) cursor = null;
    below.replaceChildren(el("p", { class: "quiet", role: "status" }, "Loading…"));
    table.setAttribute("aria-busy", "true");
    try {
      const limit = show.value === "expired" ? ALL : anew ? FIRST_PAGE.limit : MORE;
      const answer = await (asked ?? call("GET", `${keysPath()}?${query(limit)}`));
      if (mine !== turn) return;
      const page = answer.body;
      at ??= Number(answer.headers.get("Keyledger-Position"));
      loaded();
      if (anew) {
        rows.clear();
        body.replaceChildren();
      }
      const added = [];
      for (const key of page.keys) {
        if (rows.has(key.id)) rows.get(key.id).update(key);
        else if (fits(key)) {
          rows.set(key.id, keyRow(key, actions.openSettings));
          added.push(rows.get(key.id).node);
        }
      }
      body.append(...inGroups(added));
      cursor = page.next_cursor;
      loading = false;
      below.replaceChildren();
      summarize();
      if (cursor) watch();
    } catch (error) {
      if (mine !== turn) return;
      loading = false;
      below.replaceChildren(failure(error, () => load(anew)));
    } finally {
      if (mine === turn) table.removeAttribute("aria-busy");
    }
  };

  // More come when the end of the list is near; whoever can't scroll has a button.
  const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && load(false), { rootMargin: "800px" });
  const watch = () => {
    const more = el("button", { type: "button", onclick: () => load(false) }, "Show more");
    below.replaceChildren(more);
    watcher.disconnect();
    watcher.observe(more);
  };

  const put = (key) => {
    const row = rows.get(key.id);
    if (row && row.key().version > key.version) return row;
    if (!fits(key)) {
      remove(key.id);
      return null;
    }
    if (row) {
      row.update(key);
      return row;
    }
    const fresh = keyRow(key, actions.openSettings);
    rows.set(key.id, fresh);
    if (!body.firstChild) body.append(group([]));
    if (sort.value === "created_at asc") body.lastChild.append(fresh.node);
    else body.firstChild.prepend(fresh.node);
    if (rows.size === 1) below.replaceChildren();
    summarize();
    return fresh;
  };

  /** Takes the key off the list. With `byHand`, whoever deleted it goes on beside where it was. */
  const remove = (id, byHand = false) => {
    const node = rows.get(id)?.node;
    if (node) left = { id, near: neighbour(node) }; // The feed may tell of it before the service has answered.
    node?.remove();
    rows.delete(id);
    summarize();
    if (!byHand || left?.id !== id || !focusIsLost()) return;
    (left.near?.querySelector('[data-column="Actions"] button') ?? heading).focus();
  };

  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => load(true), 200);
  });
  show.addEventListener("change", () => load(true));
  sort.addEventListener("change", () => load(true));

  const filter = (label, input) => el("div", { class: "filter" }, el("label", { for: input.id }, label), input);
  const heading = el("h1", { tabindex: "-1" }, "API Keys");
  const node = el("section", {},
    el("div", { class: "heading" }, heading,
      may("keys:write") && el("button", { type: "button", class: "primary", id: "add", onclick: actions.add }, "Add API Key")),
    el("p", { class: "quiet" }, "A key stands in for your password when a program signs in. Give each program its own."),
    valuesAreShownOnce() && el("p", { class: "note" }, "Here a key’s value is shown once, when it is created: there is nothing to copy later. Lost one? Create another, then delete the old."),
    el("div", { class: "panel", id: "created" }),
    el("div", { class: "filters" }, filter("Search", search), filter("Show", show), filter("Sort", sort), el("span", { class: "gap" }), count),
    table, below);
  load(true, firstKeys);
  return {
    node,
    ready,
    put,
    remove,
    has: (id) => rows.has(id),
    keyOf: (id) => rows.get(id)?.key(),
    nameOf: (id) => rows.get(id)?.key().name,
    /** Shows the key that was just made: on top, marked, with its copy button in focus. */
    mark(key) {
      search.value = "";
      show.value = "";
      const row = put(key);
      body.firstChild.prepend(row.node);
      row.node.classList.add("new");
      row.node.scrollIntoView({ block: "nearest" });
      (row.node.querySelector("button") ?? row.node).focus();
    },
  };
}
