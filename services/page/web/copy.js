// Puts a key's value on the clipboard. Reading it leaves its trace in the history.
import { call, keyPath, may, session, freshId } from "./api.js";
import { busy, el, hidden, icon, openDialog } from "./dom.js";
import { say } from "./say.js";

export const valuesAreShownOnce = () => session.values === "once";
export const mayCopy = () => !valuesAreShownOnce() && may("keys:reveal");

/** Copies `value`; where the browser refuses that, shows it to be copied by hand. */
export async function putOnClipboard(value, name) {
  try {
    await navigator.clipboard.writeText(value);
    say(`Copied the API key “${name}”.`);
    return true;
  } catch {
    showValue(value, name);
    return false;
  }
}

function showValue(value, name) {
  const field = el("input", { id: "value", readonly: true, value, spellcheck: "false", class: "value" });
  field.addEventListener("focus", () => field.select());
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = openDialog(
    `The value of “${name}”`,
    el("p", {}, "This browser doesn’t let the page copy by itself. Copy it here, and keep it secret."),
    el("label", { for: "value" }, "Value"),
    field,
    el("div", { class: "actions" }, close),
  );
  field.focus();
}

async function reveal(key) {
  const answer = await call("POST", `${keyPath(key.id)}/reveal`, { headers: { "Idempotency-Key": freshId() } });
  return answer.body.value;
}

/** The button with the copy icon. `key` may change: it is a function. */
export function copyButton(key) {
  const name = el("span", { class: "hidden" });
  const button = el("button", { type: "button", class: "icon-button", title: "Copy the API key" }, icon("copy"), name);
  const rename = () => (name.textContent = `Copy the API key “${key().name}”`);
  rename();
  button.rename = rename;
  const copy = () =>
    busy(button, async () => {
      try {
        const copied = await putOnClipboard(await reveal(key()), key().name);
        if (!copied) return;
        button.classList.add("done");
        button.firstChild.replaceWith(icon("done"));
        setTimeout(() => {
          button.classList.remove("done");
          button.firstChild.replaceWith(icon("copy"));
        }, 2000);
      } catch (error) {
        say(`“${key().name}” wasn’t copied. ${error.message}`, { failed: true, action: { name: "Try again", run: copy } });
      }
    });
  button.addEventListener("click", copy);
  return button;
}

/** The hint, and the button where there is a value to copy. */
export function hintAndCopy(key) {
  const hint = el("code", {}, key().value_hint);
  return [hint, mayCopy() ? copyButton(key) : hidden(valuesAreShownOnce() ? "(was shown once, at its creation)" : "")];
}
