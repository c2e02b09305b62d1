// Follows the account's events as they happen.
import { loadSession, session } from "./api.js";

const AGAIN = 5000; // Milliseconds; the browser itself tries sooner.

/** Calls `onEvent(event)` for each event after `after`, and `onState("live" | "waiting")`. Ends when the session does. */
export function follow(after, onEvent, onState) {
  let last = after;
  let source = null;
  let timer = 0;
  let ended = false;

  const open = () => {
    clearTimeout(timer);
    if (ended) return;
    source?.close();
    const query = new URLSearchParams({ account: session.account, after: String(last) });
    source = new EventSource(`/v1/events?${query}`);
    source.onopen = () => onState("live");
    source.onmessage = (message) => {
      last = Number(message.lastEventId);
      onEvent({ position: last, ...JSON.parse(message.data) });
    };
    source.addEventListener("end", (message) => {
      // What is shown is of a ledger that is no more: it was restored from an older backup.
      if (JSON.parse(message.data).code === "beyond-end") window.location.reload();
    });
    source.onerror = async () => {
      onState("waiting");
      if (source?.readyState !== EventSource.CLOSED) return; // The browser resumes by itself.
      timer = setTimeout(open, AGAIN);
      await loadSession().catch(() => {}); // Tells of its end, where it has ended.
    };
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  // A page that nobody sees holds no connection; when it is seen again it resumes where it was.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!source) open();
  });
  window.addEventListener("pagehide", close);
  window.addEventListener("signed-out", () => {
    ended = true;
    close();
  });
  if (!document.hidden) open();
}
