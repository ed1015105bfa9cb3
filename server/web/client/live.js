/**
 * The live stream, while a user is signed in: events for the screens, and the number of unread notifications.
 * @module
 */

import { api } from "./api.js";
import { announce } from "./events.js";

/** @import { LiveEvent, LiveStream } from "../sdk/index.js" */

/** Dispatches the events of the stream by their types, and `notification` for each notification. */
export const live = new EventTarget();

const PASSING = ["media", "feed", "read", "reset"];
/** @type {LiveStream | null} */
let stream = null;
let unread = 0;

/** Open the stream of the signed-in user, in place of that of another one. */
export function startLive() {
  stopLive();
  void countUnread();
  stream = api.stream();
  stream.addEventListener("message", (event) => receive(/** @type {LiveEvent} */ (event)));
}

export function stopLive() {
  stream?.close();
  stream = null;
  setUnread(0);
}

/** @param {number} count */
export function setUnread(count) {
  unread = count;
  announce("unread", { count });
}

/** Ask the server for the number of unread notifications. */
export async function countUnread() {
  await api.get("/notifications/unread-count").then(
    ({ count }) => setUnread(count),
    () => {},
  );
}

/** @param {LiveEvent} event */
function receive({ eventType, data }) {
  if (!PASSING.includes(eventType)) {
    setUnread(unread + 1);
    live.dispatchEvent(new CustomEvent("notification", { detail: data }));
  } else if (eventType === "read" || eventType === "reset") {
    void countUnread();
  }
  live.dispatchEvent(new CustomEvent(eventType, { detail: data }));
}
