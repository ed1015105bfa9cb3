/**
 * Appeals against decisions.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { openDialog, showMessage } from "../client/components/dialogs.js";
import { field, form } from "../client/components/forms.js";
import { emptyState, endlessList } from "../client/components/lists.js";
import { attempt } from "../client/components/problems.js";
import { tabs } from "./tabs.js";
import { time } from "./tables.js";

/** @import { Context } from "./main.js" */
/** @import { Appeal } from "./types.js" */

const STATUSES = /** @type {const} */ (["open", "claimed", "upheld", "reversed"]);
const OUTCOMES = /** @type {const} */ ({ uphold: "Uphold the decision", reverse: "Reverse it" });

/**
 * @param {Context} context
 * @returns {HTMLElement}
 */
export function appealsPage({ query, signal }) {
  const status = STATUSES.find((each) => each === query.get("status")) ?? "open";
  const list = endlessList({
    load: (cursor) => api.get("/moderation/appeals", { query: { cursor, status } }),
    render: (/** @type {Appeal} */ each) => appealCard(each, () => void list.reload()),
    empty: () => emptyState("Nothing to do", `There are no ${status} appeals.`),
    signal,
    class: "cards",
  });
  return h("div", null, tabs("/admin/appeals", STATUSES, status), list.element);
}

/**
 * @param {Appeal} appeal
 * @param {() => void} changed
 */
function appealCard(appeal, changed) {
  const { decision, author } = appeal;
  const claim = async () => {
    if (await attempt(() => api.post("/moderation/appeals/{appealId}/claim", { path: { appealId: appeal.id } })))
      changed();
  };
  const undecided = appeal.status === "open" || appeal.status === "claimed";
  return h(
    "article",
    { class: "card-row", "aria-label": `Appeal ${appeal.id}` },
    h(
      "div",
      { class: "row-text" },
      h(
        "p",
        null,
        h("a", { class: "name", href: `/admin/people?user=${author.id}` }, author.username),
        ` against ${decision.action.replaceAll("_", " ")} `,
        time(decision.createdAt),
      ),
      h("blockquote", { dir: "auto" }, appeal.comment),
      decision.message && h("p", { class: "quiet", dir: "auto" }, decision.message),
      h("span", { class: "quiet small" }, time(appeal.createdAt)),
    ),
    undecided &&
      h(
        "div",
        { class: "buttons" },
        appeal.status === "open" && h("button", { type: "button", class: "button", onclick: claim }, "Claim"),
        h("button", { type: "button", class: "button primary", onclick: () => decide(appeal, changed) }, "Decide"),
      ),
  );
}

/**
 * @param {Appeal} appeal
 * @param {() => void} changed
 */
function decide(appeal, changed) {
  openDialog("Decide about this appeal", (close) => [
    form(
      {
        action: "Decide",
        submit: async ({ outcome = "uphold", message = "", note = "" }) => {
          const chosen = /** @type {keyof typeof OUTCOMES} */ (outcome);
          const body = { outcome: chosen, ...(message && { message }), ...(note && { note }) };
          await api.post("/moderation/appeals/{appealId}/resolve", { path: { appealId: appeal.id }, body });
          close();
          showMessage("Decided");
          changed();
        },
      },
      h(
        "fieldset",
        { class: "choices" },
        h("legend", null, "Outcome"),
        Object.entries(OUTCOMES).map(([outcome, text], index) =>
          h(
            "label",
            null,
            h("input", { type: "radio", name: "outcome", value: outcome, checked: index === 0 }),
            h("span", null, text),
          ),
        ),
      ),
      field("Message to the author", "message", { multiline: true, rows: 2, dir: "auto" }),
      field("Note for moderators", "note", { multiline: true, rows: 2, dir: "auto" }),
    ),
  ]);
}
