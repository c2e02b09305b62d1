// "Add API Key": a form, one key, however often Create is pressed and answers are lost.
import { call, freshId, insist, keysPath } from "./api.js";
import { busy, el, openDialog } from "./dom.js";
import { keyFields } from "./form.js";
import { failure } from "./say.js";

const BLANK = { enabled: true, name: "", description: null, expires_at: null };

/** `created` is told of the new key, with its value. */
export function addKey(created) {
  const form = keyFields(BLANK);
  const problems = el("div");
  const create = el("button", { type: "submit", class: "primary" }, "Create");
  const cancel = el("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  // The same body has the same id: sent again, it is the same key.
  let sent = { body: "", id: "" };

  const submit = async () => {
    if (!form.check()) return;
    const body = { enabled: form.fields.enabled.checked, ...form.changes(BLANK) };
    const text = JSON.stringify(body);
    if (text !== sent.body) sent = { body: text, id: freshId() };
    problems.replaceChildren();
    try {
      const answer = await insist(() => call("POST", keysPath(), { body, headers: { "Idempotency-Key": sent.id } }));
      dialog.close();
      created(answer.body);
    } catch (error) {
      const others = form.showErrors(error.errors);
      if (error.errors.length === 0 || others.length > 0) problems.replaceChildren(failure(error));
    }
  };
  const node = el("form", { novalidate: true }, form.node, problems, el("div", { class: "actions" }, cancel, create));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(create, submit);
  });
  const dialog = openDialog("Add API Key", node);
  form.fields.name.focus();
}
