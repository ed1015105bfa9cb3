/**
 * Lists that load more as the user scrolls.
 * @module
 */

import { append, fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { failure } from "./problems.js";

/** @import { Child } from "../dom.js" */

const MARGIN = "1200px 0px";

/**
 * @template T
 * @typedef {object} ListOptions
 * @property {(cursor: string | undefined) => Promise<{ items: T[], nextCursor: string | null }>} load a page
 * @property {(item: T) => Child} render
 * @property {() => Child} empty what to show if there is nothing
 * @property {AbortSignal} signal
 * @property {string} [class]
 * @property {"ul" | "div"} [tag]
 */

/**
 * Return a list that fills itself. A page that fails can be asked for again, and the list stays.
 * @template T
 * @param {ListOptions<T>} options
 */
export function endlessList({ load, render, empty, signal, class: name = "list", tag = "div" }) {
  const items = h(tag, { class: name, "aria-busy": "true" });
  const end = h("div", { class: "list-end" });
  const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && void more(), {
    rootMargin: MARGIN,
  });
  signal.addEventListener("abort", () => observer.disconnect());
  /** @type {string | null | undefined} */
  let cursor;
  let turn = 0;

  async function more() {
    const current = (turn += 1);
    observer.unobserve(end);
    fill(end, h("div", { class: "spinner", role: "progressbar", "aria-label": t("loading") }));
    try {
      const page = await load(cursor ?? undefined);
      if (current !== turn || signal.aborted) return;
      if (cursor === undefined) fill(items);
      append(items, page.items.map(render));
      cursor = page.nextCursor;
      fill(end, cursor === null && !items.hasChildNodes() && empty());
      if (cursor !== null) observer.observe(end);
    } catch (error) {
      if (current === turn && !signal.aborted) fill(end, failure(error, more));
    } finally {
      items.removeAttribute("aria-busy");
    }
  }

  /** Load the list again from its beginning. */
  function reload() {
    cursor = undefined;
    return more();
  }

  /** @param {T} item */
  function prepend(item) {
    const fragment = document.createDocumentFragment();
    append(fragment, [render(item)]);
    items.prepend(fragment);
    if (cursor === null) fill(end);
  }

  void more();
  return { element: h("div", null, items, end), items, reload, prepend };
}

/**
 * Return what an empty list shows.
 * @param {string} title
 * @param {string} [text]
 * @param {Child} [action]
 */
export function emptyState(title, text, action) {
  return h("div", { class: "empty" }, h("h2", null, title), text && h("p", null, text), action);
}
