/**
 * People: find a user, and see how the user stands with moderation.
 * @module
 */

import { api, getMe } from "../client/api.js";
import { h } from "../client/dom.js";
import { formatTime } from "../client/i18n.js";
import { emptyState, endlessList } from "../client/components/lists.js";
import { avatar } from "../client/components/pictures.js";
import { changeRole, ROLES, sessionsOf } from "./accounts.js";
import { actionRow } from "./audit.js";
import { figure } from "./tables.js";

/** @import { Context } from "./main.js" */
/** @import { UserCard } from "./types.js" */

/**
 * @param {Context} context
 * @returns {Promise<HTMLElement>}
 */
export async function peoplePage({ query, signal }) {
  const userId = query.get("user");
  const q = query.get("q") ?? "";
  const input = h("input", {
    type: "search",
    name: "q",
    class: "input search",
    value: q,
    "aria-label": "Username or name",
    placeholder: "Username or name",
  });
  const search = h(
    "form",
    {
      role: "search",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        go(`/admin/people?${new URLSearchParams({ q: input.value })}`);
      },
    },
    input,
  );
  if (userId) return h("div", null, search, await standing(userId, signal));
  if (q) return h("div", null, search, results(q, signal));
  const isAdmin = (await getMe()).role === "admin";
  return h("div", null, search, isAdmin ? await staff(signal) : emptyState("Search for a user"));
}

/** @param {string} path */
function go(path) {
  const link = h("a", { href: path });
  document.body.append(link);
  link.click();
  link.remove();
}

/**
 * @param {string} q
 * @param {AbortSignal} signal
 */
function results(q, signal) {
  return endlessList({
    load: (cursor) => api.get("/search", { query: { q, type: "users", cursor } }),
    render: ({ user }) => user && personRow(user),
    empty: () => emptyState("No user found"),
    signal,
  }).element;
}

/** Return who has a role, administrators first. @param {AbortSignal} signal */
async function staff(signal) {
  const { items } = await api.get("/moderation/staff", { signal });
  const rows = items.map(({ user, role }) => h("li", null, personRow(user, ROLES[role])));
  return h(
    "section",
    null,
    h("h2", { id: "staff" }, "Staff"),
    h("ul", { class: "list", "aria-labelledby": "staff" }, rows),
  );
}

/**
 * @param {UserCard} user
 * @param {string} [role]
 */
function personRow(user, role) {
  return h(
    "a",
    { class: "row", href: `/admin/people?user=${user.id}` },
    avatar(user),
    h(
      "span",
      { class: "row-text" },
      h("span", { class: "name" }, user.username),
      h("span", { class: "quiet" }, user.fullName),
    ),
    role && h("span", { class: "badge" }, role),
  );
}

/**
 * @param {string} userId
 * @param {AbortSignal} signal
 */
async function standing(userId, signal) {
  const found = await api.get("/moderation/users/{userId}", { path: { userId } });
  const { user } = found;
  const isAdmin = (await getMe()).role === "admin";
  const again = () => go(`/admin/people?user=${userId}`);
  const figures = {
    Warnings: found.warnings,
    "Take-downs": found.takeDowns,
    Suspensions: found.suspensions,
    Bans: found.bans,
    "Reports made": found.reportsMade,
    "Reports about": found.reportsAbout,
    "Open appeals": found.openAppeals,
    "Appeals upheld": found.upheldAppeals,
    "Appeals reversed": found.reversedAppeals,
  };
  const log = endlessList({
    load: (cursor) => api.get("/moderation/audit", { query: { userId, cursor } }),
    render: actionRow,
    empty: () => emptyState("No entries in the audit log"),
    signal,
    class: "cards",
  });
  return h(
    "div",
    null,
    h(
      "div",
      { class: "person" },
      avatar(user),
      h(
        "div",
        { class: "row-text" },
        h(
          "p",
          null,
          h("a", { class: "name", href: `/@${user.username}` }, user.username),
          " ",
          h("span", { class: "badge" }, found.role),
          " ",
          h("span", { class: "badge" }, found.status),
        ),
        h("span", { class: "quiet" }, `${user.fullName}, since ${formatTime(found.createdAt)}`),
        found.suspendedUntil && h("span", { class: "danger" }, `Suspended until ${formatTime(found.suspendedUntil)}`),
      ),
      isAdmin &&
        h(
          "button",
          { type: "button", class: "button", onclick: () => changeRole(user, found.role, again) },
          "Change the role",
        ),
    ),
    h(
      "dl",
      { class: "figures" },
      Object.entries(figures).map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, figure(value)))),
    ),
    isAdmin && sessionsOf(user, signal),
    h("h2", null, "Audit log"),
    log.element,
  );
}
