// Tells what happened: seen at the page's foot, and read out.
import { el } from "./dom.js";

function regionOf(host, role) {
  const found = host.querySelector(`:scope > .said[role=${role}]`);
  return found ?? host.appendChild(el("div", { class: "said", role }));
}

/** `action`, where there is one, is {name, run}. In a dialog it is said there, as the rest can't be heard then. */
export function say(text, { failed = false, action = null } = {}) {
  const host = document.querySelector("dialog[open]") ?? document.body;
  const region = regionOf(host, failed ? "alert" : "status");
  const message = el(
    "p",
    { class: failed ? "message failed" : "message" },
    el("span", {}, text),
    action && el("button", { type: "button", class: "plain", onclick: () => (message.remove(), action.run()) }, action.name),
    el("button", { type: "button", class: "plain", onclick: () => message.remove() }, "Dismiss"),
  );
  region.replaceChildren(message);
  if (!failed) setTimeout(() => message.remove(), 8000);
}

/** A failure that stays where it happened, with a way to try again. */
export function failure(error, retry) {
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("p", {}, error.message),
    retry && el("button", { type: "button", onclick: retry }, "Try again"),
  );
}
