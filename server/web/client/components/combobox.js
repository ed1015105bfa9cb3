/**
 * A field that suggests what matches the text while the user types; chosen with the pointer or with the arrow keys.
 * @module
 */

import { fill, h, uniqueId } from "../dom.js";
import { t } from "../i18n.js";
import { describe } from "./problems.js";

/** @import { Child } from "../dom.js" */

const TYPING_MS = 160;

/**
 * Return the field with its list.
 * @template T
 * @param {object} options
 * @param {string} options.label
 * @param {string} [options.placeholder]
 * @param {(text: string, signal: AbortSignal) => Promise<T[]>} options.find
 * @param {(item: T) => Child} options.render
 * @param {(item: T) => unknown} options.choose
 * @param {string} [options.hint]
 */
export function combobox({ label, placeholder, find, render, choose, hint }) {
  const id = uniqueId("combobox");
  let turn = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {T[]} */
  let items = [];
  let current = -1;
  const list = h("ul", { id: `${id}-list`, class: "suggested", role: "listbox", "aria-label": label, hidden: true });
  const note = h("p", { class: "hint", role: "status" }, hint);
  const input = h("input", {
    id,
    class: "input",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
    placeholder,
    dir: "auto",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(search, TYPING_MS);
    },
    onkeydown: key,
    onblur: () => setTimeout(close, 150),
  });

  async function search() {
    turn.abort();
    const now = (turn = new AbortController());
    const text = input.value.trim();
    if (!text) return close();
    try {
      const found = await find(text, now.signal);
      if (now.signal.aborted) return;
      items = found;
      show();
    } catch (error) {
      if (!now.signal.aborted) fill(note, describe(error));
    }
  }

  function show() {
    current = items.length ? 0 : -1;
    fill(
      list,
      items.map((item, index) =>
        h(
          "li",
          {
            id: `${id}-${index}`,
            role: "option",
            onpointerdown: (/** @type {Event} */ event) => event.preventDefault(), // keeps the focus in the field
            onclick: () => pick(item),
          },
          render(item),
        ),
      ),
    );
    fill(note, items.length ? (hint ?? "") : t("nothing_found"));
    list.hidden = items.length === 0;
    input.setAttribute("aria-expanded", String(items.length > 0));
    mark();
  }

  function mark() {
    [...list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === current)));
    if (current < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", `${id}-${current}`);
    list.children[current]?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    items = [];
    list.hidden = true;
    fill(list);
    fill(note, hint ?? "");
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  /** @param {T} item */
  function pick(item) {
    input.value = "";
    close();
    choose(item);
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const item = items[current];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      current = (current + step + items.length) % Math.max(1, items.length);
      mark();
    } else if (event.key === "Enter") {
      event.preventDefault(); // it does not send the form around it
      if (item) pick(item);
    } else if (event.key === "Escape" && items.length) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  }

  return h("div", { class: "field combobox" }, h("label", { for: id }, label), input, list, note);
}
