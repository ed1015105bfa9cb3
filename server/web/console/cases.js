/**
 * What reports and appeals have in common: a list by status whose entries moderators claim and decide.
 * @module
 */

import { h } from "../client/dom.js";
import { openDialog, showMessage } from "../client/components/dialogs.js";
import { field, form } from "../client/components/forms.js";
import { emptyState, endlessList } from "../client/components/lists.js";
import { attempt } from "../client/components/problems.js";
import { tabs } from "./tabs.js";

/** @import { Child } from "../client/dom.js" */
/** @import { Context } from "./main.js" */

/**
 * Return the list of the status in the address. `load` and `render` are those of `endlessList`; `render` also gets what
 * to call after a change.
 * @template T
 * @template {string} S
 * @param {Context} context
 * @param {object} options
 * @param {"reports" | "appeals"} options.name
 * @param {readonly [S, ...S[]]} options.statuses the first is the default
 * @param {(status: S, cursor: string | undefined) => Promise<{ items: T[], nextCursor: string | null }>} options.load
 * @param {(item: T, changed: () => void) => Child} options.render
 * @returns {HTMLElement}
 */
export function casesPage({ query, signal }, { name, statuses, load, render }) {
  const status = statuses.find((each) => each === query.get("status")) ?? statuses[0];
  const list = endlessList({
    load: (cursor) => load(status, cursor),
    render: (/** @type {T} */ each) => render(each, () => void list.reload()),
    empty: () => emptyState("Nothing to do", `There are no ${status} ${name}.`),
    signal,
    class: "cards",
  });
  return h("div", null, tabs(`/admin/${name}`, statuses, status), list.element);
}

/**
 * Return the buttons of a case that was not decided.
 * @param {object} options
 * @param {boolean} options.claimable
 * @param {() => Promise<unknown>} options.claim
 * @param {() => void} options.decide
 * @param {() => void} options.changed
 */
export function caseButtons({ claimable, claim, decide, changed }) {
  const onclick = async () => {
    if (await attempt(claim)) changed();
  };
  return h(
    "div",
    { class: "buttons" },
    claimable && h("button", { type: "button", class: "button", onclick }, "Claim"),
    h("button", { type: "button", class: "button primary", onclick: decide }, "Decide"),
  );
}

/**
 * Ask for a decision, with a message and a note, and call `changed` when `submit` was accepted.
 * @template {string} C
 * @param {object} options
 * @param {string} options.title
 * @param {string} options.legend of the choices
 * @param {[C, string][]} options.choices with their texts; the first is preset
 * @param {(choice: C, texts: { message?: string, note?: string }, values: Record<string, string>) => Promise<unknown>} options.submit
 * @param {() => void} options.changed
 * @param {...Child} fields further fields
 */
export function openDecision({ title, legend, choices, submit, changed }, ...fields) {
  openDialog(title, (close) => [
    form(
      {
        action: "Decide",
        submit: async (values) => {
          const { choice, message, note } = values;
          await submit(/** @type {C} */ (choice), { ...(message && { message }), ...(note && { note }) }, values);
          close();
          showMessage("Decided");
          changed();
        },
      },
      h(
        "fieldset",
        { class: "choices" },
        h("legend", null, legend),
        choices.map(([value, text], index) =>
          h(
            "label",
            null,
            h("input", { type: "radio", name: "choice", value, checked: index === 0 }),
            h("span", null, text),
          ),
        ),
      ),
      ...fields,
      field("Message to the author", "message", { multiline: true, rows: 2, dir: "auto" }),
      field("Note for moderators", "note", { multiline: true, rows: 2, dir: "auto" }),
    ),
  ]);
}
