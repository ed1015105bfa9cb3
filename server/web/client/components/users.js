/**
 * Users in lists, and the button that follows them.
 * @module
 */

import { api, isMe } from "../api.js";
import { fill, h } from "../dom.js";
import { announce, onChange } from "../events.js";
import { t } from "../i18n.js";
import { confirm } from "./dialogs.js";
import { icon } from "./icons.js";
import { avatar } from "./pictures.js";
import { attempt } from "./problems.js";

/** @import { Child } from "../dom.js" */
/** @import { RelatedUser, Relationship, UserCard } from "../types.js" */

/** @param {Pick<UserCard, "username">} user */
export function profilePath({ username }) {
  return `/@${username}`;
}

/**
 * Return a link with the name of a user.
 * @param {Pick<UserCard, "username">} user
 */
export function userLink(user) {
  return h("a", { class: "name", href: profilePath(user) }, h("bdi", null, user.username));
}

/**
 * Return a row of a list of users.
 * @param {RelatedUser} user
 * @param {AbortSignal} signal
 * @param {{ note?: Child, action?: Child }} [options] `action` in place of the follow button
 */
export function userRow(user, signal, { note, action } = {}) {
  return h(
    "div",
    { class: "row" },
    h("a", { href: profilePath(user), tabIndex: -1, "aria-hidden": "true" }, avatar(user)),
    h("div", { class: "row-text" }, userLink(user), h("span", { class: "quiet" }, note ?? user.fullName)),
    action ?? followButton(user, signal),
  );
}

/**
 * Return a button that follows, sends a request, or ends either; nothing for oneself.
 * @param {{ id: string, username: string, relationship?: Relationship | null }} user
 * @param {AbortSignal} signal
 */
export function followButton(user, signal) {
  if (isMe(user.id) || !user.relationship) return null;
  let relationship = user.relationship;
  const button = h("button", { type: "button", class: "button", onclick: toggle });

  function show() {
    const { following, requested, followedBy, blocking } = relationship;
    const label = blocking
      ? "unblock"
      : following
        ? "following"
        : requested
          ? "requested"
          : followedBy
            ? "follow_back"
            : "follow";
    fill(button, t(label));
    button.classList.toggle("primary", !(following || requested || blocking));
    button.setAttribute("aria-label", t(`${label}_user`, { name: user.username }));
  }

  async function toggle() {
    const { following, requested, blocking } = relationship;
    const path = { userId: user.id };
    if (blocking) return change(relationship, { blocking: false }, () => api.delete("/users/{userId}/block", { path }));
    if (!following && !requested) {
      return change(relationship, { following: true }, () => api.post("/users/{userId}/follow", { path }));
    }
    if (following && !(await confirm(t("unfollow_title", { name: user.username }), t("unfollow_text"), t("unfollow"))))
      return;
    return change(relationship, { following: false, requested: false }, () =>
      api.delete("/users/{userId}/follow", { path }),
    );
  }

  /**
   * @param {Relationship} before
   * @param {Partial<Relationship>} expected
   * @param {() => Promise<unknown>} request
   */
  async function change(before, expected, request) {
    announce("relationship", { id: user.id, relationship: { ...before, ...expected } });
    const ok = await attempt(async () => {
      const answer = /** @type {Partial<Relationship> | undefined} */ (await request());
      const { following = before.following, requested = before.requested } = { ...expected, ...answer };
      announce("relationship", { id: user.id, relationship: { ...before, ...expected, following, requested } });
    });
    if (!ok) announce("relationship", { id: user.id, relationship: before });
  }

  onChange("relationship", signal, (changed) => {
    if (changed.id !== user.id) return;
    relationship = changed.relationship;
    show();
  });
  show();
  return button;
}

/** The badge of a private account. */
export function lockBadge() {
  return h(
    "span",
    { class: "badge", title: t("private_account") },
    icon("lock"),
    h("span", { class: "hidden" }, t("private_account")),
  );
}
