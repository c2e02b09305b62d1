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
  gear: "M10.3 5.6L10.4 2.9L13.6 2.9L13.7 5.6L15.3 6.3L17.3 4.5L19.5 6.7L17.7 8.7L18.4 10.3L21.1 10.4L21.1 13.6L18.4 13.7L17.7 15.3L19.5 17.3L17.3 19.5L15.3 17.7L13.7 18.4L13.6 21.1L10.4 21.1L10.3 18.4L8.7 17.7L6.7 19.5L4.5 17.3L6.3 15.3L5.6 13.7L2.9 13.6L2.9 10.4L5.6 10.3L6.3 8.7L4.5 6.7L6.7 4.5L8.7 6.3zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
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
