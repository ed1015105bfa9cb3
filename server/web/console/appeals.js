/**
 * Appeals against decisions.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { caseButtons, casesPage, openDecision } from "./cases.js";
import { time } from "./tables.js";

/** @import { Context } from "./main.js" */
/** @import { Appeal } from "./types.js" */

const STATUSES = /** @type {const} */ (["open", "claimed", "upheld", "reversed"]);
const OUTCOMES = /** @type {const} */ ({ uphold: "Uphold the decision", reverse: "Reverse it" });

/**
 * @param {Context} context
 * @returns {HTMLElement}
 */
export function appealsPage(context) {
  return casesPage(context, {
    name: "appeals",
    statuses: STATUSES,
    load: (status, cursor) => api.get("/moderation/appeals", { query: { cursor, status } }),
    render: appealCard,
  });
}

/**
 * @param {Appeal} appeal
 * @param {() => void} changed
 */
function appealCard(appeal, changed) {
  const { decision, author } = appeal;
  const path = { appealId: appeal.id };
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
      caseButtons({
        claimable: appeal.status === "open",
        claim: () => api.post("/moderation/appeals/{appealId}/claim", { path }),
        decide: () => decide(appeal, changed),
        changed,
      }),
  );
}

/**
 * @param {Appeal} appeal
 * @param {() => void} changed
 */
function decide(appeal, changed) {
  const path = { appealId: appeal.id };
  openDecision({
    title: "Decide about this appeal",
    legend: "Outcome",
    choices: /** @type {[keyof typeof OUTCOMES, string][]} */ (Object.entries(OUTCOMES)),
    submit: (outcome, texts) =>
      api.post("/moderation/appeals/{appealId}/resolve", { path, body: { outcome, ...texts } }),
    changed,
  });
}
