// Says an event in words: who did what, when, from where and why.

const QUOTE = (text) => `“${text}”`;

const WHAT = {
  AccountRegistered: (data) => `registered the account as ${data.username}`,
  AccountUsernameChanged: (data) => `changed the username to ${data.username}`,
  KeyCreated: (data) => `created ${QUOTE(data.name)}${data.enabled ? "" : ", disabled"}${until(data)}`,
  KeyEnabled: (_, name) => `enabled ${name}`,
  KeyDisabled: (_, name) => `disabled ${name}`,
  KeyRenamed: (data, name) => `renamed ${name} to ${QUOTE(data.name)}`,
  KeyDescribed: (data, name) => (data.description ? `described ${name} as ${QUOTE(data.description)}` : `took the description off ${name}`),
  KeyExpiryChanged: (data, name) => (data.expires_at ? `let ${name} expire at ${local(data.expires_at)}` : `let ${name} never expire`),
  KeyDeleted: (_, name) => `deleted ${name}`,
  KeyValueRevealed: (_, name) => `read the value of ${name}`,
  EventQuarantined: () => "An operator passed over events that can’t be read",
};

const local = (instant) => new Date(instant).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
const until = (data) => (data.expires_at ? `, until ${local(data.expires_at)}` : "");

export const TYPES = {
  "": "Everything",
  KeyCreated: "Created",
  KeyEnabled: "Enabled again",
  KeyDisabled: "Disabled",
  KeyRenamed: "Renamed",
  KeyDescribed: "Described",
  KeyExpiryChanged: "Expiry changed",
  KeyValueRevealed: "Value read",
  KeyDeleted: "Deleted",
  AccountUsernameChanged: "Username changed",
};

export const bareType = (event) => event.type.replace(/^keyledger\./, "");

/** {who, what, where, why}; `name` is what the key was called before the event. */
export function describe(event, name) {
  const data = event.data ?? {};
  const actor = data.actor ?? {};
  const what = WHAT[bareType(event)] ?? (() => `made ${bareType(event)}`);
  const from = [actor.address && `from ${actor.address}`, actor.user_agent && `by ${program(actor.user_agent)}`];
  return {
    who: actor.username || actor.subject || "Somebody",
    what: what(data, QUOTE(name)),
    where: from.filter(Boolean).join(", "),
    why: data.reason ?? "",
  };
}

/** A browser's name for what calls itself by all of them; others as they call themselves. */
function program(agent) {
  const known = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
  const browser = agent.startsWith("Mozilla/") && known.find(([mark]) => agent.includes(mark));
  return browser ? browser[1] : agent;
}
