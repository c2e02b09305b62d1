// The settings page: signs the person in, shows keys and history, and follows what happens elsewhere.
import { addKey } from "./add-key.js";
import * as api from "./api.js";
import { firstKeys, session } from "./begin.js";
import { putOnClipboard, valuesAreShownOnce } from "./copy.js";
import { el } from "./dom.js";
import { evolve } from "./evolve.js";
import { follow } from "./feed.js";
import { historyView } from "./history.js";
import { keyList } from "./key-list.js";
import { openSettings } from "./key-settings.js";
import { failure, say } from "./say.js";
import { bareType } from "./words.js";

const main = document.getElementById("main");
const who = document.getElementById("who");

function showSignedOut() {
  who.replaceChildren();
  for (const dialog of document.querySelectorAll("dialog")) dialog.remove();
  main.replaceChildren(el("section", { class: "empty" }, el("h1", {}, "Sign in"),
    el("p", {}, "You aren’t signed in, or your session has ended."),
    el("p", {}, "On the machine that keyledger runs on, ", el("code", {}, "keyledger sign-in --data-dir DIR"), " prints a link that signs in once."),
    el("button", { type: "button", class: "primary", onclick: () => location.reload() }, "Try again")));
}

function showWho(live) {
  const out = el("button", { type: "button", class: "plain", onclick: async () => {
    try {
      await api.signOut();
      showSignedOut();
    } catch (error) {
      say(`You are still signed in. ${error.message}`, { failed: true });
    }
  } }, "Sign out");
  who.replaceChildren(live, el("span", { class: "user" }, api.session.username ?? api.session.account), ...(api.session.csrf_token ? [out] : []));
}

/** The new key's value, which is here and nowhere else from now on. */
function showOnce(panel, key) {
  const field = el("input", { id: "once", readonly: true, value: key.value, class: "value", spellcheck: "false" });
  field.addEventListener("focus", () => field.select());
  const copy = el("button", { type: "button", class: "primary", onclick: () => putOnClipboard(key.value, key.name) }, "Copy the API key");
  const done = el("button", { type: "button", onclick: () => panel.replaceChildren() }, "I have stored it");
  panel.replaceChildren(el("div", { class: "note" }, el("p", {}, `“${key.name}” was created. Its value is shown now and never again:`),
    el("label", { for: "once", class: "hidden" }, "Value"), el("div", { class: "value-line" }, field, copy, done)));
  copy.focus();
}

function run(keys) {
  let settings = null;
  let history = null;
  const live = el("span", { class: "live", role: "status" });

  const settingsEvents = {
    changed: (key) => list.put(key),
    deleted: (id) => list.remove(id, true),
    showHistory: (key) => show(key),
  };
  const list = keyList({
    add: () => addKey((key) => {
      const { value, ...shown } = key;
      history = null;
      if (!list.node.isConnected) show(null, "keys");
      list.mark(shown);
      if (valuesAreShownOnce()) showOnce(list.node.querySelector("#created"), { ...shown, value });
      say(`“${shown.name}” was created.${valuesAreShownOnce() ? "" : " Its API key is ready to be copied."}`);
    }),
    openSettings: (key) => {
      settings = openSettings(key, settingsEvents);
    },
  }, keys);

  const tabs = el("nav", { "aria-label": "Views", class: "tabs" });
  const view = el("div");
  const tab = (name, target) => el("a", { href: target, "aria-current": (location.hash || "#keys").startsWith(target) ? "page" : null }, name);

  const show = (key, where = null) => {
    const target = where === "keys" ? "#keys" : key ? `#history/${key.id}` : "#history";
    if (location.hash === target) render();
    else location.hash = target;
  };
  const render = () => {
    const [place, id] = location.hash.slice(1).split("/");
    tabs.replaceChildren(tab("Keys", "#keys"), ...(api.may("audit:read") ? [tab("History", "#history")] : []));
    history = null;
    if (place === "history") {
      const key = id && (list.keyOf(id) ?? { id, name: list.nameOf(id) ?? id });
      history = historyView({ key, nameOf: list.nameOf, back: () => show(null) });
    }
    view.replaceChildren(history ? history.node : list.node);
    document.title = history ? "History · API Keys" : "API Keys";
  };
  window.addEventListener("hashchange", () => {
    if (location.hash === "#main") return;
    render();
    view.querySelector("h1")?.focus();
  });

  /** Shows what an event made of its key; asks for the key where the page lacks what came before. */
  const follows = (event) => {
    const shown = list.keyOf(event.subject);
    const key = evolve(shown, event);
    return key ?? api.getKey(event.subject);
  };

  /** Something happened: here, or anywhere else. */
  const happened = async (event) => {
    history?.add(event);
    const id = event.subject;
    if (!id?.startsWith("key_") || bareType(event) === "KeyValueRevealed") return;
    if (bareType(event) === "KeyDeleted") {
      list.remove(id);
      if (settings?.id === id && settings.dialog.isConnected) settings.gone();
      return;
    }
    if (!list.has(id) && bareType(event) !== "KeyCreated") return;
    const shown = list.keyOf(id);
    if (shown && shown.version >= event.keyversion) return;
    try {
      const key = await follows(event);
      list.put(key);
      if (settings?.id === id && settings.dialog.isConnected) settings.update(key);
    } catch (error) {
      if (error.status === 404) list.remove(id);
    }
  };

  showWho(live);
  main.replaceChildren(tabs, view);
  render();
  list.ready.then((position) => {
    if (!api.may("events:read")) return;
    follow(position, happened, (state) => {
      live.textContent = state === "live" ? "" : "Reconnecting…";
    });
  });
}

async function start(signedIn, keys) {
  try {
    await signedIn;
    if (!api.session.account) {
      main.replaceChildren(failure(new Error("This sign-in is of no account: there are no keys to show.")));
      return;
    }
    window.addEventListener("signed-out", showSignedOut);
    run(keys);
    // The first keys may have been refused before anybody listened here.
    keys?.catch((error) => error.status === 401 && showSignedOut());
  } catch (error) {
    if (error.status === 401) showSignedOut();
    else main.replaceChildren(failure(error, () => (main.replaceChildren(el("p", { class: "quiet" }, "Loading…")), start(api.loadSession(), null))));
  }
}

start(session, firstKeys);
