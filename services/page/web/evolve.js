// What an event makes of a key, as the service shows it.
import { bareType } from "./words.js";

const CHANGES = {
  KeyEnabled: () => ({ enabled: true }),
  KeyDisabled: () => ({ enabled: false }),
  KeyRenamed: (data) => ({ name: data.name }),
  KeyDescribed: (data) => ({ description: data.description ?? null }),
  KeyExpiryChanged: (data) => ({ expires_at: data.expires_at ?? null }),
};

/** `key` after `event`; null where that can't be told from the two: something between them is missing. */
export function evolve(key, event) {
  const { data, keyversion: version } = event;
  if (bareType(event) === "KeyCreated") {
    const { name, description = null, enabled, expires_at = null, value_hint } = data;
    return { id: event.subject, name, description, enabled, value_hint, created_at: event.time, expires_at, version };
  }
  const change = CHANGES[bareType(event)];
  return key && change && version === key.version + 1 ? { ...key, ...change(data), version } : null;
}
