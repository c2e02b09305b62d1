// The audit trail as a timeline, newest first, with filters, and as a file.
import { accountPath, call, keyPath } from "./api.js";
import { busy, el, time } from "./dom.js";
import { failure, say } from "./say.js";
import { bareType, describe, TYPES } from "./words.js";

const PAGE = 50;
const FILE_PAGE = 1000;

/** A view of the account's trail, or of `key`'s. `nameOf(id)` knows the keys there are. */
export function historyView({ key, nameOf, back }) {
  const base = `${key ? keyPath(key.id) : accountPath()}/events`;
  const names = new Map(); // Keys' names as far as the newest events told them.
  const list = el("ol", { class: "timeline" });
  const below = el("div");
  const type = el("select", { id: "history-type", onchange: () => load(true) },
    Object.entries(TYPES).map(([value, text]) => el("option", { value }, text)));
  const from = el("input", { type: "date", id: "history-from", onchange: () => load(true) });
  const to = el("input", { type: "date", id: "history-to", onchange: () => load(true) });
  let turn = 0;
  let next = 0;

  const filters = () => {
    const query = new URLSearchParams();
    if (type.value) query.set("type", type.value);
    if (from.value) query.set("from", new Date(`${from.value}T00:00`).toISOString());
    if (to.value) {
      const end = new Date(`${to.value}T00:00`);
      end.setDate(end.getDate() + 1);
      query.set("to", end.toISOString());
    }
    return query;
  };

  const item = (event, name) => {
    const { who, what, where, why } = describe(event, name);
    const position = el("span", { class: "quiet", title: "Its position in the log" }, ` · #${event.position}`);
    return el("li", {}, el("p", {}, el("strong", {}, who), ` ${what}`), why && el("p", { class: "why" }, `Reason: ${why}`),
      el("p", { class: "quiet" }, time(event.time, true), where && ` · ${where}`, position));
  };

  /** What the event's key was called before it, by `known`, which learns of it. */
  const nameBefore = (event, known) => {
    const id = event.subject;
    const before = known.get(id) ?? nameOf(id) ?? (key && key.id === id ? key.name : id);
    if (event.data?.name && id) known.set(id, event.data.name);
    return before;
  };

  /** The events' items. Names are learnt from the oldest event on, and shown from the newest on. */
  const items = (events, known) => [...events].reverse().map((event) => item(event, nameBefore(event, known))).reverse();

  const load = async (anew) => {
    const mine = ++turn;
    if (anew) {
      next = 0;
      list.replaceChildren();
      names.clear();
    }
    below.replaceChildren(el("p", { class: "quiet", role: "status" }, "Loading…"));
    const query = filters();
    query.set("order", "desc");
    query.set("limit", String(PAGE));
    if (next) query.set("after", String(next));
    try {
      const page = (await call("GET", `${base}?${query}`)).body;
      if (mine !== turn) return;
      list.append(...items(page.events, anew ? names : new Map()));
      next = page.next_after;
      const more = el("button", { type: "button", onclick: () => load(false) }, "Show older");
      const none = el("p", { class: "quiet" }, "Nothing like this has happened.");
      below.replaceChildren(...(next ? [more] : list.childElementCount ? [] : [none]));
    } catch (error) {
      if (mine === turn) below.replaceChildren(failure(error, () => load(false)));
    }
  };

  /** All that the filters let through, in `media`, page by page. */
  const fetchAll = async (media) => {
    const pieces = [];
    const query = filters();
    query.set("limit", String(FILE_PAGE));
    for (let after = "0"; after; ) {
      query.set("after", after);
      const answer = await call("GET", `${base}?${query}`, { as: media });
      const isTable = media === "text/csv" && pieces.length > 0;
      pieces.push(isTable ? answer.body.slice(answer.body.indexOf("\n") + 1) : answer.body);
      after = answer.headers.get("Keyledger-Next-After");
    }
    return new Blob(pieces, { type: media });
  };

  const download = (name, media) => {
    const button = el("button", { type: "button" }, `Download ${name}`);
    button.addEventListener("click", () =>
      busy(button, async () => {
        try {
          const url = URL.createObjectURL(await fetchAll(media));
          el("a", { href: url, download: `keyledger-history.${name.toLowerCase()}` }).click();
          setTimeout(() => URL.revokeObjectURL(url), 60_000);
        } catch (error) {
          say(`The download failed. ${error.message}`, { failed: true, action: { name: "Try again", run: () => button.click() } });
        }
      }));
    return button;
  };

  const field = (label, input) => el("div", { class: "filter" }, el("label", { for: input.id }, label), input);
  const node = el("section", { class: "history" },
    el("div", { class: "heading" }, el("h1", { tabindex: "-1" }, key ? `History of “${key.name}”` : "History"),
      key && el("button", { type: "button", onclick: back }, "All history")),
    el("div", { class: "filters" }, field("Show", type), field("From", from), field("To", to), el("span", { class: "gap" }),
      download("CSV", "text/csv"), download("NDJSON", "application/x-ndjson")),
    list, below);
  load(true);
  /** An event that just happened. */
  const add = (event) => {
    const fits = (!type.value || type.value === bareType(event)) && (!key || event.subject === key.id) && !to.value;
    const name = nameBefore(event, names);
    if (fits) list.prepend(item(event, name));
    if (fits && !next) below.replaceChildren();
  };
  return { node, add };
}
