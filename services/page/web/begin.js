// Asks for what is shown first while the page's other modules are still on their way: the session, then its first keys.
import { call, keysPath, loadSession } from "./api.js";

/** What the list asks for at first: more than a screen has, and little to wait for. */
export const FIRST_PAGE = { limit: "50", sort: "created_at", order: "desc" };

/** A promise of the session, and one of the answer with the first keys. Either may fail; they are asked for once. */
export const session = loadSession();
export const firstKeys = session.then(({ account }) => account && call("GET", `${keysPath()}?${new URLSearchParams(FIRST_PAGE)}`));

// Whoever waits for them is told. Until somebody does, it is no error that nobody caught.
session.catch(() => {});
firstKeys.catch(() => {});
