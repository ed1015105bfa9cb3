/**
 * Lists of users that only their owner sees: blocked, muted, restricted, close friends; and how one adds to them.
 * @module
 */

import { api } from "../api.js";
import { t } from "../i18n.js";
import { confirm, showMessage } from "./dialogs.js";
import { attempt } from "./problems.js";

/** @typedef {{ id: string, username: string }} Named */
/** @typedef {"/close-friends" | "/restricted"} ListPath */

/** @param {Named} user */
export async function mute(user) {
  if (await attempt(() => api.post("/users/{userId}/mute", { path: { userId: user.id } }))) {
    showMessage(t("muted_message", { name: user.username }));
  }
}

/** @param {Named} user */
export async function unmute(user) {
  if (await attempt(() => api.delete("/users/{userId}/mute", { path: { userId: user.id } }))) {
    showMessage(t("unmuted_message", { name: user.username }));
  }
}

/** @param {Named} user */
export async function block(user) {
  const title = t("block_user", { name: user.username });
  if (!(await confirm(title, t("block_text"), t("block")))) return false;
  const ok = await attempt(() => api.post("/users/{userId}/block", { path: { userId: user.id } }));
  if (ok) showMessage(t("blocked_message", { name: user.username }));
  return ok;
}

/** @param {Named} user */
export async function restrict(user) {
  const title = t("restrict_user", { name: user.username });
  if (!(await confirm(title, t("restrict_text"), t("restrict")))) return;
  if (await attempt(() => api.post("/users/{userId}/restrict", { path: { userId: user.id } }))) {
    showMessage(t("restricted_message", { name: user.username }));
  }
}

/** @param {Named} user */
export async function unrestrict(user) {
  if (await attempt(() => api.delete("/users/{userId}/restrict", { path: { userId: user.id } }))) {
    showMessage(t("unrestricted_message", { name: user.username }));
  }
}

/**
 * @param {Named} user
 * @param {boolean} close whether the user is to be a close friend
 */
export async function setCloseFriend(user, close) {
  const path = { userId: user.id };
  const done = await attempt(() =>
    close ? api.post("/users/{userId}/close-friend", { path }) : api.delete("/users/{userId}/close-friend", { path }),
  );
  if (done) showMessage(t(close ? "close_friend_added" : "close_friend_removed", { name: user.username }));
  return done;
}

/**
 * Return whether a user is in one of these lists.
 * @param {ListPath} list
 * @param {string} userId
 */
export async function isIn(list, userId) {
  for await (const { id } of api.list(list, { query: { limit: 100 } })) if (id === userId) return true;
  return false;
}
