/**
 * The role and the sessions of a user, for administrators.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { confirm, openDialog, showMessage } from "../client/components/dialogs.js";
import { field, form } from "../client/components/forms.js";
import { emptyState, endlessList } from "../client/components/lists.js";
import { attempt } from "../client/components/problems.js";
import { time } from "./tables.js";

/** @import { Role, UserSession } from "./types.js" */

/** Names of the roles. */
export const ROLES = /** @type {const} */ ({
  user: "User",
  celebrity: "Celebrity, with a badge",
  moderator: "Moderator",
  admin: "Administrator",
});

/**
 * Ask for a role and the password, and call `changed` when the role was changed.
 * @param {{ id: string, username: string }} user
 * @param {Role} role
 * @param {() => void} changed
 */
export function changeRole(user, role, changed) {
  openDialog(`Role of ${user.username}`, (close) => [
    form(
      {
        action: "Change the role",
        submit: async ({ role: chosen = role, password = "", code = "" }) => {
          const body = {
            role: /** @type {Role} */ (chosen),
            ...(password && { password }),
            ...(code && { code }),
          };
          await api.put("/moderation/users/{userId}/role", { path: { userId: user.id }, body });
          close();
          showMessage("Changed");
          changed();
        },
      },
      h(
        "fieldset",
        { class: "choices" },
        h("legend", null, "Role"),
        Object.entries(ROLES).map(([name, text]) =>
          h(
            "label",
            null,
            h("input", { type: "radio", name: "role", value: name, checked: name === role }),
            h("span", null, text),
          ),
        ),
      ),
      field("Your password", "password", { type: "password", autocomplete: "current-password" }),
      field("Code, if you have a second factor", "code", { inputmode: "numeric", autocomplete: "one-time-code" }),
    ),
  ]);
}

/**
 * Return the sessions of a user.
 * @param {{ id: string, username: string }} user
 * @param {AbortSignal} signal
 */
export function sessionsOf(user, signal) {
  const path = { userId: user.id };
  const list = endlessList({
    load: (cursor) => api.get("/moderation/users/{userId}/sessions", { path, query: { cursor } }),
    render: row,
    empty: () => emptyState("No sessions", `${user.username} is not signed in.`),
    signal,
    class: "cards",
  });

  /** @param {UserSession} session */
  function row(session) {
    const end = async () => {
      const target = { path: { ...path, sessionId: session.id } };
      if (await attempt(() => api.delete("/moderation/users/{userId}/sessions/{sessionId}", target)))
        void list.reload();
    };
    return h(
      "article",
      { class: "card-row", "aria-label": `Session ${session.id}` },
      h(
        "div",
        { class: "row-text" },
        h("b", { dir: "auto" }, session.device || "Unknown device"),
        h(
          "span",
          { class: "quiet small" },
          `${session.network}, by ${session.method}, last used `,
          time(session.lastUsedAt),
        ),
      ),
      h(
        "div",
        { class: "buttons" },
        session.current
          ? h("span", { class: "badge" }, "this session")
          : h("button", { type: "button", class: "button", onclick: end }, "End"),
      ),
    );
  }

  async function endAll() {
    const text = "The user has to sign in again on every device.";
    if (!(await confirm(`Sign ${user.username} out everywhere?`, text, "End all"))) return;
    if (await attempt(() => api.delete("/moderation/users/{userId}/sessions", { path }))) void list.reload();
  }

  return h(
    "section",
    null,
    h("h2", null, "Sessions"),
    h(
      "div",
      { class: "buttons start" },
      h("button", { type: "button", class: "button danger", onclick: endAll }, "End all sessions"),
    ),
    list.element,
  );
}
