// The fields of a key: the same in "Add API Key" and in a key's settings.
import { el } from "./dom.js";

const pad = (number) => String(number).padStart(2, "0");

/** An instant as a datetime-local field has it: in the reader's zone. */
function toLocal(instant) {
  if (!instant) return "";
  const at = new Date(instant);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

function field(label, input, hint) {
  const error = el("p", { class: "error", id: `${input.id}-error` });
  const notes = hint ? el("p", { class: "hint", id: `${input.id}-hint` }, hint) : null;
  input.setAttribute("aria-describedby", `${input.id}-error${hint ? ` ${input.id}-hint` : ""}`);
  return el("div", { class: "field" }, el("label", { for: input.id }, label), input, notes, error);
}

/** Fields that show `key`, and what the person makes of it. */
export function keyFields(key) {
  const enabled = el("input", { type: "checkbox", id: "field-enabled", class: "switch" });
  const name = el("input", { id: "field-name", required: true, maxlength: 200, autocomplete: "off", autofocus: true });
  const description = el("textarea", { id: "field-description", maxlength: 2000, rows: 3 });
  const expires = el("input", { type: "datetime-local", id: "field-expires_at" });
  const fields = { enabled, name, description, expires_at: expires };

  const showMember = {
    enabled: (shown) => (enabled.checked = shown.enabled),
    name: (shown) => (name.value = shown.name),
    description: (shown) => (description.value = shown.description ?? ""),
    expires_at: (shown) => (expires.value = toLocal(shown.expires_at)),
  };
  const show = (shown) => Object.values(showMember).forEach((showIt) => showIt(shown));
  show(key);

  const node = [
    el("div", { class: "field inline" }, enabled, el("label", { for: enabled.id }, "Enabled"),
      el("p", { class: "hint", id: "field-enabled-hint" }, "A disabled key is refused until it is turned on again.")),
    field("Name", name, "Required. What you will know it by, such as “Zapier” or “Nightly sync script”."),
    field("Description", description, "What it is for. Optional."),
    field("Expires", expires, "In your time zone. Empty: never."),
  ];
  enabled.setAttribute("aria-describedby", "field-enabled-hint");

  /** The members in which the fields differ from `base`. */
  const changes = (base) => {
    const found = {};
    if (enabled.checked !== base.enabled) found.enabled = enabled.checked;
    if (name.value !== base.name) found.name = name.value;
    if (description.value !== (base.description ?? "")) found.description = description.value || null;
    if (expires.value !== toLocal(base.expires_at)) {
      found.expires_at = expires.value ? new Date(expires.value).toISOString() : null;
    }
    return found;
  };

  /** Shows each error beside its field; gives back those that have none. */
  const showErrors = (errors) => {
    for (const [member, input] of Object.entries(fields)) {
      const mine = errors.find((error) => error.pointer === `/${member}`);
      input.toggleAttribute("aria-invalid", Boolean(mine));
      if (mine) input.setAttribute("aria-invalid", "true");
      const place = document.getElementById(`${input.id}-error`);
      if (place) place.textContent = mine ? mine.detail : "";
    }
    const first = errors.find((error) => fields[error.pointer.slice(1)]);
    if (first) fields[first.pointer.slice(1)].focus();
    return errors.filter((error) => !fields[error.pointer.slice(1)]);
  };

  const check = () => {
    const errors = [];
    if (!name.value.trim()) errors.push({ pointer: "/name", detail: "Give it a name." });
    if (expires.validity.badInput) errors.push({ pointer: "/expires_at", detail: "This is no whole date and time." });
    showErrors(errors);
    return errors.length === 0;
  };
  return { node, fields, show, showMember, changes, showErrors, check };
}
