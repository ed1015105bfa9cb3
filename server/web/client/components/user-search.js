/**
 * A field that finds users by the beginnings of their names.
 * @module
 */

import { api } from "../api.js";
import { h } from "../dom.js";
import { combobox } from "./combobox.js";
import { avatar } from "./pictures.js";

/** @import { RelatedUser } from "../types.js" */

/**
 * @param {string} label
 * @param {(user: RelatedUser) => unknown} choose
 * @param {{ hint?: string }} [options]
 */
export function userSearch(label, choose, { hint } = {}) {
  return combobox({
    label,
    hint,
    find: async (prefix, signal) => {
      const query = { prefix: prefix.replace(/^@/, ""), limit: 8 };
      return (await api.get("/users", { query, signal })).items;
    },
    render: userOption,
    choose,
  });
}

/** @param {RelatedUser} user */
function userOption(user) {
  return [
    avatar(user, "small"),
    h(
      "span",
      { class: "row-text" },
      h("bdi", { class: "name" }, user.username),
      h("span", { class: "quiet small" }, user.fullName),
    ),
  ];
}
