// Makes elements. Text is always text: nothing here, or anywhere in this page, takes HTML from a string.

/**
 * An element with `properties` (attributes; `onclick` and its like are listeners; false and null leave one out) and
 * `children`, which are nodes or texts.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Text for screen readers alone. */
export const hidden = (text) => el("span", { class: "hidden" }, text);

const ICONS = {
  copy: "M9 9h11v11H9zM15 5H4v11",
  gear: "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 2v3m0 14v3M4.9 4.9 7 7m10 10 2.1 2.1M2 12h3m14 0h3M4.9 19.1 7 17M17 7l2.1-2.1",
  done: "M4 12.5 9.5 18 20 6.5",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Does `work` while `button` shows that it works. Further clicks do nothing meanwhile; the button keeps its focus.
 */
export async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return undefined;
  button.setAttribute("aria-busy", "true");
  button.setAttribute("aria-disabled", "true");
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-busy");
    button.removeAttribute("aria-disabled");
  }
}

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MINUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** An instant in the reader's zone; the exact one on hover. */
export function time(instant, withTime = false) {
  const date = new Date(instant);
  const title = `${EXACT.format(date)} (${instant})`;
  return el("time", { datetime: instant, title }, (withTime ? MINUTE : DAY).format(date));
}

/** A modal dialog with `title`, which is gone when it is closed. */
export function openDialog(title, ...content) {
  const heading = el("h2", { id: "dialog-title" }, title);
  const dialog = el("dialog", { "aria-labelledby": "dialog-title" }, heading, ...content);
  dialog.addEventListener("close", () => dialog.remove());
  // A click beside it closes it, as Escape does.
  dialog.addEventListener("mousedown", (event) => {
    if (event.target === dialog) dialog.requestClose ? dialog.requestClose() : dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
