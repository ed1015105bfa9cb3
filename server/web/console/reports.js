/**
 * Reported posts, comments and users: claim them, look at them, and decide.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { field } from "../client/components/forms.js";
import { thumbnail } from "../client/components/pictures.js";
import { caseButtons, casesPage, openDecision } from "./cases.js";
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
export function reportsPage(context) {
  return casesPage(context, {
    name: "reports",
    statuses: STATUSES,
    load: (status, cursor) => api.get("/moderation/reports", { query: { cursor, status } }),
    render: reportCard,
  });
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
      caseButtons({
        claimable: report.status === "open",
        claim: () => api.post("/moderation/reports/{caseId}/claim", { path }),
        decide: () => decide(report, changed),
        changed,
      }),
  );
}

/**
 * @param {ReportCase} report
 * @param {() => void} changed
 */
function decide(report, changed) {
  const actions = /** @type {[keyof typeof ACTIONS, string][]} */ (Object.entries(ACTIONS));
  openDecision(
    {
      title: `Decide about this ${report.subjectType}`,
      legend: "Decision",
      choices: actions.filter(([action]) => action !== "take_down" || report.subjectType !== "user"),
      submit: (action, texts, { days = "" }) => {
        const body = { action, ...texts, ...(action === "suspend" && { days: Number(days) }) };
        return api.post("/moderation/reports/{caseId}/resolve", { path: { caseId: report.id }, body });
      },
      changed,
    },
    field("Days of a suspension", "days", { type: "number", min: "1", max: "365", value: "7" }),
  );
}
