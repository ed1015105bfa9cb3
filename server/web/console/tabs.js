/**
 * Links between the parts of a page.
 * @module
 */

import { h } from "../client/dom.js";

/**
 * @param {string} path
 * @param {readonly string[]} names
 * @param {string} current
 */
export function tabs(path, names, current) {
  return h(
    "nav",
    { class: "tabs", "aria-label": "Status" },
    names.map((name) =>
      h("a", { href: `${path}?status=${name}`, "aria-current": name === current ? "page" : null }, name),
    ),
  );
}
