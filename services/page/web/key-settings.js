// A key's settings: rename, describe, enable or disable, expiry, copy, delete. What was changed elsewhere meanwhile is
// shown, and never written over unasked.
import { call, freshId, getKey, insist, keyPath, may, session } from "./api.js";
import { hintAndCopy } from "./copy.js";
import { busy, el, openDialog, time } from "./dom.js";
import { keyFields } from "./form.js";
import { failure, say } from "./say.js";

const WAIT = "wait=10";

const WORDS = {
  enabled: (value) => (value ? "enabled" : "disabled"),
  name: (value) => `the name “${value}”`,
  description: (value) => (value ? `the description “${value}”` : "no description"),
  expires_at: (value) => (value ? `the expiry ${new Date(value).toLocaleString()}` : "no expiry"),
};

/** What differs between two versions of a key, in words. */
function differences(before, now) {
  return Object.keys(WORDS).filter((member) => before[member] !== now[member]).map((member) => WORDS[member](now[member]));
}

function waitBox() {
  const box = el("input", { type: "checkbox", id: "field-wait" });
  return { box, node: el("div", { class: "field inline" }, box, el("label", { for: box.id }, "Wait until it is refused everywhere")) };
}

/** What an answer to a request that waited says. */
function sayWhere(done, answer) {
  if (answer.body?.applied_everywhere === true) say(`${done} It is refused everywhere now.`);
  else if (answer.body?.applied_everywhere === false) {
    const nodes = (answer.body.not_applied_by ?? []).map((node) => node.node ?? node).join(", ");
    say(`${done} It isn’t known yet that every node refuses it${nodes ? `: ${nodes}` : ""}.`, { failed: true });
  } else say(done);
}

/** `events` tells of changes: {changed(key), deleted(id), showHistory(key)}. Returns {update(key), gone()}. */
export function openSettings(opened, events) {
  let base = opened; // What the fields are compared with.
  const form = keyFields(base);
  const reason = el("input", { id: "field-reason", maxlength: 500, autocomplete: "off" });
  const reasonField = el("div", { class: "field" }, el("label", { for: reason.id }, "Reason"), reason,
    el("p", { class: "hint" }, "Optional. The history keeps it."));
  const wait = waitBox();
  const problems = el("div");
  const news = el("div", { role: "status" });
  const save = el("button", { type: "submit", class: "primary" }, "Save");
  const remove = el("button", { type: "button", class: "danger", onclick: () => askToDelete() }, "Delete");
  const history = el("button", { type: "button", class: "plain", onclick: () => (dialog.close(), events.showHistory(base)) }, "History");
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const mayWrite = may("keys:write");

  const toggled = () => {
    const on = form.fields.enabled.checked;
    reasonField.hidden = on === base.enabled;
    wait.node.hidden = !(base.enabled && !on && session.replicas > 1);
  };
  form.fields.enabled.addEventListener("change", toggled);

  /** The key is `now` elsewhere. Fields that nobody touched follow it; else the person chooses. */
  const meet = (now) => {
    if (now.version === base.version) return;
    const changed = differences(base, now);
    const mine = form.changes(base);
    base = now;
    if (Object.keys(mine).length === 0) {
      form.show(now);
      news.replaceChildren(el("p", { class: "note" }, `This key was changed elsewhere: it now has ${changed.join(", ")}.`));
    } else {
      // What they typed stays; what they didn't touch follows.
      for (const [member, showIt] of Object.entries(form.showMember)) {
        if (!(member in mine)) showIt(now);
      }
      const take = el("button", { type: "button", onclick: () => (form.show(base), toggled(), news.replaceChildren()) }, "Take the new values");
      news.replaceChildren(el("div", { class: "note" },
        el("p", {}, `This key was changed elsewhere: it now has ${changed.join(", ")}. Your changes aren’t saved yet.`), take,
        el("p", { class: "hint" }, "Save again to apply what you changed here.")));
    }
    toggled();
  };

  const submit = async () => {
    if (!form.check()) return;
    const body = form.changes(base);
    if (Object.keys(body).length === 0) return dialog.close();
    const disables = body.enabled === false;
    if ("enabled" in body && reason.value.trim()) body.reason = reason.value.trim();
    const headers = { "Content-Type": "application/merge-patch+json", "If-Match": `"v${base.version}"`, "Idempotency-Key": freshId() };
    if (disables && wait.box.checked) headers.Prefer = WAIT;
    problems.replaceChildren();
    try {
      const answer = await insist(() => call("PATCH", keyPath(base.id), { body, headers }));
      base = answer.body;
      dialog.close();
      events.changed(answer.body);
      sayWhere(disables ? `“${base.name}” is disabled.` : `“${base.name}” is saved.`, answer);
    } catch (error) {
      if (error.status === 412) {
        try {
          meet(await getKey(base.id));
          return news.scrollIntoView({ block: "nearest" });
        } catch (other) {
          error = other;
        }
      }
      if (error.status === 404) return gone();
      const others = form.showErrors(error.errors);
      if (error.errors.length === 0 || others.length > 0) problems.replaceChildren(failure(error));
    }
  };

  const gone = () => {
    save.remove();
    remove.remove();
    news.replaceChildren(el("p", { class: "note" }, "This key was deleted elsewhere."));
    events.deleted(base.id);
  };

  const askToDelete = () => {
    dialog.close();
    askDelete(base, events);
  };

  const node = el("form", { novalidate: true },
    el("div", { class: "value-line" }, hintAndCopy(() => base), el("span", { class: "quiet" }, "created ", time(base.created_at))),
    news, form.node, reasonField, wait.node, problems,
    el("div", { class: "actions" }, mayWrite && remove, may("audit:read") && history, el("span", { class: "gap" }), close, mayWrite && save));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(save, submit);
  });
  const dialog = openDialog(`Settings of “${base.name}”`, node);
  if (!mayWrite) for (const input of Object.values(form.fields)) input.disabled = true;
  toggled();
  form.fields.name.focus();
  return { id: base.id, update: meet, gone, dialog };
}

function askDelete(key, events) {
  const reason = el("input", { id: "field-reason", maxlength: 500, autocomplete: "off" });
  const wait = waitBox();
  wait.node.hidden = !(session.replicas > 1);
  const problems = el("div");
  const cancel = el("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const remove = el("button", { type: "submit", class: "danger primary" }, "Delete");
  const id = freshId();

  const submit = async () => {
    problems.replaceChildren();
    const headers = { "Idempotency-Key": id };
    if (wait.box.checked) headers.Prefer = WAIT;
    const why = reason.value.trim();
    const path = keyPath(key.id) + (why ? `?reason=${encodeURIComponent(why)}` : "");
    let answer = {};
    try {
      answer = await insist(() => call("DELETE", path, { headers }));
    } catch (error) {
      // Gone is gone, whoever did it.
      if (error.status !== 404) return problems.replaceChildren(failure(error));
    }
    dialog.close();
    events.deleted(key.id);
    sayWhere(`“${key.name}” is deleted.`, answer);
  };
  const form = el("form", { novalidate: true },
    el("p", {}, "Whatever signs in with ", el("code", {}, key.value_hint), " stops working at once, and its value is erased. This can’t be undone; the history stays."),
    el("div", { class: "field" }, el("label", { for: reason.id }, "Reason"), reason, el("p", { class: "hint" }, "Optional. The history keeps it.")),
    wait.node, problems, el("div", { class: "actions" }, cancel, remove));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(remove, submit);
  });
  const dialog = openDialog(`Delete “${key.name}”?`, form);
  cancel.focus();
}
