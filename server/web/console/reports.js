/**
 * Reported posts, comments and users: claim them, look at them, and decide.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { openDialog, showMessage } from "../client/components/dialogs.js";
import { field, form } from "../client/components/forms.js";
import { emptyState, endlessList } from "../client/components/lists.js";
import { thumbnail } from "../client/components/pictures.js";
import { attempt } from "../client/components/problems.js";
import { tabs } from "./tabs.js";
import { time } from "./tables.js";

/** @import { Context } from "./main.js" */
/** @import { ReportCase } from "./types.js" */

const STATUSES = /** @type {const} */ (["open", "claimed", "resolved"]);
const ACTIONS = /** @type {const} */ ({
  dismiss: "Dismiss: nothing is wrong",
  warn: "Warn the author",
  take_down: "Take it down",
  suspend: "Suspend the account for some days",
  ban: "Ban the account",
});

/**
 * @param {Context} context
 * @returns {HTMLElement}
 */
export function reportsPage({ query, signal }) {
  const status = STATUSES.find((each) => each === query.get("status")) ?? "open";
  const list = endlessList({
    load: (cursor) => api.get("/moderation/reports", { query: { cursor, status } }),
    render: (/** @type {ReportCase} */ each) => reportCard(each, () => void list.reload()),
    empty: () => emptyState("Nothing to do", `There are no ${status} reports.`),
    signal,
    class: "cards",
  });
  return h("div", null, tabs("/admin/reports", STATUSES, status), list.element);
}

/**
 * @param {ReportCase} report
 * @param {() => void} changed
 */
function reportCard(report, changed) {
  const path = { caseId: report.id };
  const reasons = report.reasons.map(({ reason, count }) =>
    h("span", { class: "badge" }, `${reason.replaceAll("_", " ")} ${count}`),
  );
  const claim = async () => {
    if (await attempt(() => api.post("/moderation/reports/{caseId}/claim", { path }))) changed();
  };
  return h(
    "article",
    { class: "card-row", "aria-label": `Report ${report.id}` },
    h(
      "div",
      { class: "pictures" },
      report.images.map((image) => thumbnail(image)),
    ),
    h(
      "div",
      { class: "row-text" },
      h(
        "p",
        null,
        h("b", null, report.subjectType),
        " by ",
        h("a", { class: "name", href: `/admin/people?user=${report.author.id}` }, report.author.username),
      ),
      report.excerpt && h("blockquote", { dir: "auto" }, report.excerpt),
      h("p", { class: "badges" }, reasons),
      h("span", { class: "quiet small" }, `${report.reportsCount} reports, the first `, time(report.createdAt)),
    ),
    report.status !== "resolved" &&
      h(
        "div",
        { class: "buttons" },
        report.status === "open" && h("button", { type: "button", class: "button", onclick: claim }, "Claim"),
        h("button", { type: "button", class: "button primary", onclick: () => decide(report, changed) }, "Decide"),
      ),
  );
}

/**
 * @param {ReportCase} report
 * @param {() => void} changed
 */
function decide(report, changed) {
  openDialog(`Decide about this ${report.subjectType}`, (close) => [
    form(
      {
        action: "Decide",
        submit: async ({ action = "dismiss", message = "", note = "", days = "" }) => {
          const chosen = /** @type {keyof typeof ACTIONS} */ (action);
          const body = {
            action: chosen,
            ...(message && { message }),
            ...(note && { note }),
            ...(chosen === "suspend" && { days: Number(days) }),
          };
          await api.post("/moderation/reports/{caseId}/resolve", { path: { caseId: report.id }, body });
          close();
          showMessage("Decided");
          changed();
        },
      },
      h(
        "fieldset",
        { class: "choices" },
        h("legend", null, "Decision"),
        Object.entries(ACTIONS)
          .filter(([action]) => action !== "take_down" || report.subjectType !== "user")
          .map(([action, text], index) =>
            h(
              "label",
              null,
              h("input", { type: "radio", name: "action", value: action, checked: index === 0 }),
              h("span", null, text),
            ),
          ),
      ),
      field("Days of a suspension", "days", { type: "number", min: "1", max: "365", value: "7" }),
      field("Message to the author", "message", { multiline: true, rows: 2, dir: "auto" }),
      field("Note for moderators", "note", { multiline: true, rows: 2, dir: "auto" }),
    ),
  ]);
}
