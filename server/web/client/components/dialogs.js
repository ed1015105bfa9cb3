/**
 * Dialogs, menus and short messages at the edge of the screen.
 * @module
 */

import { fill, h, uniqueId } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "./icons.js";

/** @import { Leaf } from "../dom.js" */

const MESSAGE_MS = 5000;

/**
 * Open a modal dialog and return it; it removes itself when it is closed.
 * @param {string} title
 * @param {(close: () => void) => Leaf[]} content
 */
export function openDialog(title, content) {
  const id = uniqueId("dialog");
  const close = () => dialog.close();
  const dialog = h(
    "dialog",
    {
      class: "dialog",
      "aria-labelledby": id,
      onclose: () => dialog.remove(),
      onclick: (/** @type {MouseEvent} */ event) => event.target === dialog && dialog.close(),
    },
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id }, title),
      h("button", { class: "icon-button", type: "button", "aria-label": t("close"), onclick: close }, icon("close")),
    ),
    h("div", { class: "dialog-body" }, ...content(close)),
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Ask whether to do something that cannot be undone easily.
 * @param {string} title
 * @param {string} text
 * @param {string} action the name of the button
 * @returns {Promise<boolean>}
 */
export function confirm(title, text, action) {
  return new Promise((resolve) => {
    const dialog = openDialog(title, (close) => [
      h("p", null, text),
      h(
        "div",
        { class: "buttons" },
        h("button", { class: "button quiet", type: "button", onclick: close }, t("cancel")),
        h(
          "button",
          {
            class: "button danger",
            type: "button",
            onclick: () => {
              resolve(true);
              close();
            },
          },
          action,
        ),
      ),
    ]);
    dialog.addEventListener("close", () => resolve(false));
  });
}

/** @typedef {{ label: string, run: () => unknown, danger?: boolean }} MenuItem */

/**
 * Open a list of actions as a sheet.
 * @param {string} title
 * @param {(MenuItem | null | false)[]} items
 */
export function openMenu(title, items) {
  openDialog(title, (close) =>
    items
      .filter((item) => item !== null && item !== false)
      .map(({ label, run, danger }) =>
        h(
          "button",
          {
            class: danger ? "menu-item danger" : "menu-item",
            type: "button",
            onclick: () => {
              close();
              void run();
            },
          },
          label,
        ),
      ),
  );
}

const region = h("div", { class: "messages", role: "status" });

/**
 * Show a message for some seconds.
 * @param {string} text
 * @param {{ label: string, run: () => unknown }} [action]
 */
export function showMessage(text, action) {
  if (!region.isConnected) document.body.append(region);
  const button =
    action &&
    h(
      "button",
      {
        type: "button",
        onclick: () => {
          fill(region);
          void action.run();
        },
      },
      action.label,
    );
  const message = h("div", { class: "message" }, h("span", null, text), button);
  fill(region, message);
  setTimeout(() => message.remove(), MESSAGE_MS);
}
