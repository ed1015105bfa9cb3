/**
 * The audit log: what moderators and operators did. It cannot be changed.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { showMessage } from "../client/components/dialogs.js";
import { emptyState, endlessList } from "../client/components/lists.js";
import { attempt } from "../client/components/problems.js";
import { time } from "./tables.js";

/** @import { Context } from "./main.js" */
/** @import { ModerationAction } from "./types.js" */

const RESTORABLE = ["warn", "take_down", "suspend", "ban"];

/**
 * @param {Context} context
 * @returns {HTMLElement}
 */
export function auditPage({ query, signal }) {
  const actorId = query.get("actor") ?? undefined;
  return endlessList({
    load: (cursor) => api.get("/moderation/audit", { query: { cursor, actorId, limit: 50 } }),
    render: actionRow,
    empty: () => emptyState("No entries yet"),
    signal,
    class: "cards",
  }).element;
}

/** @param {ModerationAction} action */
export function actionRow(action) {
  const restore = async () => {
    const path = { decisionId: action.id };
    if (await attempt(() => api.post("/moderation/decisions/{decisionId}/restore", { path, body: {} })))
      showMessage("Undone");
  };
  const actor = action.actorId
    ? h("a", { class: "link", href: `/admin/audit?actor=${action.actorId}` }, actorName(action))
    : "the operator";
  return h(
    "article",
    { class: "card-row", "aria-label": `Entry ${action.id}` },
    h(
      "div",
      { class: "row-text" },
      h(
        "p",
        null,
        h("b", null, action.action.replaceAll("_", " ")),
        action.subjectId === "0" ? "" : ` ${action.subjectType} ${action.subjectId}`,
        ", by ",
        actor,
      ),
      action.detail && h("p", { class: "quiet" }, action.detail),
      action.reason && h("span", { class: "badge" }, action.reason),
      action.message && h("blockquote", { dir: "auto" }, action.message),
      action.note && h("p", { class: "quiet", dir: "auto" }, action.note),
      h(
        "span",
        { class: "quiet small" },
        action.userId &&
          h("a", { class: "link", href: `/admin/people?user=${action.userId}` }, `user ${action.userId}`),
        " ",
        time(action.createdAt),
      ),
    ),
    RESTORABLE.includes(action.action) &&
      h("div", { class: "buttons" }, h("button", { type: "button", class: "button", onclick: restore }, "Undo")),
  );
}

/** Return who did it: users appeal themselves. @param {ModerationAction} action */
function actorName({ actorId, userId }) {
  return actorId === userId ? "the user" : `moderator ${actorId}`;
}
