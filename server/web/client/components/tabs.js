/**
 * Tabs with a panel each, which is made when it is first shown.
 * @module
 */

import { fill, h, uniqueId } from "../dom.js";
import { icon } from "./icons.js";

/** @import { Child } from "../dom.js" */

/**
 * @typedef {object} Tab
 * @property {string} label
 * @property {import("./icons.js").IconName} [icon] shown in place of the label
 * @property {() => Child} panel
 */

/**
 * Return the tabs with the panel of one of them. The arrow keys move between tabs.
 * @param {Tab[]} tabs
 * @param {number} [first] the tab that is shown at first
 */
export function tabPanels(tabs, first = 0) {
  const id = uniqueId("panel");
  /** @type {Map<Tab, Child>} */
  const panels = new Map();
  const panel = h("div", { role: "tabpanel", id });
  const buttons = tabs.map((tab) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        id: uniqueId("tab"),
        "aria-controls": id,
        "aria-label": tab.icon ? tab.label : null,
        title: tab.icon ? tab.label : null,
        onclick: () => choose(tab),
      },
      tab.icon ? icon(tab.icon) : tab.label,
    ),
  );

  /** @param {Tab} tab */
  function choose(tab) {
    if (!panels.has(tab)) panels.set(tab, tab.panel());
    buttons.forEach((button, index) => {
      const chosen = tabs[index] === tab;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      if (chosen) panel.setAttribute("aria-labelledby", button.id);
    });
    fill(panel, panels.get(tab));
  }

  /** @param {KeyboardEvent} event */
  function move(event) {
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const index = buttons.findIndex((button) => button === document.activeElement);
    const next = buttons.at((index + (event.key === forward ? 1 : -1)) % buttons.length);
    next?.focus();
    next?.click();
  }

  const shown = tabs[first];
  if (shown) choose(shown);
  return h("div", null, h("div", { class: "tabs", role: "tablist", onkeydown: move }, buttons), panel);
}
