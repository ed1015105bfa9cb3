/**
 * Filters of words and links in what users write.
 * @module
 */

import { api } from "../client/api.js";
import { fill, h } from "../client/dom.js";
import { field, form } from "../client/components/forms.js";
import { emptyState } from "../client/components/lists.js";
import { attempt } from "../client/components/problems.js";
import { table } from "./tables.js";

const KINDS = { phrase: "Words", domain: "Domain of links" };
const ACTIONS = { refuse: "Refuse the text", report: "Publish it and report it" };

/**
 * @returns {Promise<HTMLElement>}
 */
export async function filtersPage() {
  const list = h("div");
  async function show() {
    const { items } = await api.get("/moderation/filters");
    const rows = items.map(({ id, kind, pattern, action }) => [
      KINDS[kind],
      h("code", null, pattern),
      ACTIONS[action],
      h(
        "button",
        { type: "button", class: "button danger", "aria-label": `Delete ${pattern}`, onclick: () => remove(id) },
        "Delete",
      ),
    ]);
    fill(
      list,
      rows.length
        ? table(["Kind", "Pattern", "What it does", "Action"], rows, "Filters")
        : emptyState("No filters yet"),
    );
  }

  /** @param {string} filterId */
  async function remove(filterId) {
    if (await attempt(() => api.delete("/moderation/filters/{filterId}", { path: { filterId } }))) await show();
  }

  await show();
  return h(
    "div",
    null,
    list,
    h("h2", null, "New filter"),
    form(
      {
        action: "Add filter",
        submit: async ({ kind = "phrase", pattern = "", action = "refuse" }, element) => {
          await api.post("/moderation/filters", { body: /** @type {any} */ ({ kind, pattern, action }) });
          element.reset();
          await show();
        },
      },
      select("Kind", "kind", KINDS),
      field("Pattern", "pattern", { required: true, dir: "auto" }),
      select("What it does", "action", ACTIONS),
    ),
  );
}

/**
 * @param {string} label
 * @param {string} name
 * @param {Record<string, string>} options
 */
function select(label, name, options) {
  return h(
    "div",
    { class: "field" },
    h("label", { for: name }, label),
    h(
      "select",
      { id: name, name, class: "input" },
      Object.entries(options).map(([value, text]) => h("option", { value }, text)),
    ),
  );
}
