/**
 * Search while typing, with what was searched for before; and explore.
 * @module
 */

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../components/icons.js";
import { emptyState, endlessList } from "../components/lists.js";
import { attempt, failure } from "../components/problems.js";
import { gridItem } from "../components/posts.js";
import { userRow } from "../components/users.js";
import { suggestions } from "./feed.js";

/** @import { Child } from "../dom.js" */
/** @import { Place, Screen } from "../router.js" */

const TYPING_MS = 180;
const KINDS = /** @type {const} */ (["users", "hashtags", "places", "posts"]);

/** @typedef {(typeof KINDS)[number]} Kind */

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function searchScreen({ query, signal }) {
  let kind = /** @type {Kind} */ (KINDS.find((each) => each === query.get("type")) ?? "users");
  let turn = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const results = h("div", { "aria-live": "polite" });
  const input = h("input", {
    type: "search",
    class: "input search",
    "aria-label": t("search"),
    placeholder: t("search_placeholder"),
    value: query.get("q") ?? "",
    dir: "auto",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(show, TYPING_MS);
    },
  });
  const tabs = h(
    "div",
    { class: "tabs", role: "tablist" },
    KINDS.map((each) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          "data-kind": each,
          onclick: () => {
            kind = each;
            show();
          },
        },
        t(`search.${each}`),
      ),
    ),
  );

  function show() {
    turn.abort();
    turn = new AbortController();
    signal.addEventListener("abort", () => turn.abort(), { signal: turn.signal });
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.getAttribute("data-kind") === kind));
    const q = input.value.trim();
    history.replaceState(history.state, "", q ? `?${new URLSearchParams({ q, type: kind })}` : location.pathname);
    fill(results, q ? found(q, kind, turn.signal) : recentSearches(choose, turn.signal));
  }

  /** @param {string} text */
  function choose(text) {
    input.value = text;
    show();
  }

  show();
  const form = h(
    "form",
    {
      role: "search",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        remember(input.value);
      },
    },
    input,
  );
  results.addEventListener("click", () => remember(input.value));
  return {
    element: h("div", { class: "column" }, h("h1", { class: "hidden" }, t("search")), form, tabs, results),
    title: t("search"),
    shown: () => input.value || input.focus(),
  };
}

/** @param {string} text */
function remember(text) {
  const q = text.trim();
  if (q) void api.post("/search/recent", { body: { q } }).catch(() => {}); // only a convenience
}

/**
 * @param {string} q
 * @param {Kind} kind
 * @param {AbortSignal} signal
 */
function found(q, kind, signal) {
  return endlessList({
    load: (cursor) => api.get("/search", { query: { q, type: kind, cursor }, signal }),
    render: (result) => searchResult(result, signal),
    empty: () => emptyState(t("nothing_found"), t("nothing_found_text", { q })),
    signal,
    class: kind === "posts" ? "grid" : "list",
  }).element;
}

/**
 * @param {any} result
 * @param {AbortSignal} signal
 * @returns {Child}
 */
function searchResult({ user, hashtag, place, post }, signal) {
  if (user) return userRow(user, signal);
  if (hashtag)
    return linkRow("tag", `/app/tags/${encodeURIComponent(hashtag.tag)}`, `#${hashtag.tag}`, hashtag.postsCount);
  if (place) return linkRow("pin", `/app/places/${place.id}`, place.name, place.postsCount);
  return post && gridItem(post);
}

/**
 * @param {"tag" | "pin"} name
 * @param {string} href
 * @param {string} label
 * @param {number | undefined} count
 */
function linkRow(name, href, label, count) {
  return h(
    "a",
    { class: "row", href },
    h("span", { class: "avatar medium" }, icon(name)),
    h(
      "span",
      { class: "row-text" },
      h("span", { class: "name", dir: "auto" }, label),
      count !== undefined && h("span", { class: "quiet" }, t("posts_count", { count })),
    ),
  );
}

/**
 * @param {(q: string) => void} choose
 * @param {AbortSignal} signal
 */
function recentSearches(choose, signal) {
  const element = h("div");
  async function load() {
    try {
      const { items } = await api.get("/search/recent", { signal });
      if (items.length === 0) return fill(element, suggestions(signal));
      return fill(
        element,
        h(
          "div",
          { class: "section-head" },
          h("h2", null, t("recent_searches")),
          h("button", { type: "button", class: "link", onclick: clear }, t("clear_all")),
        ),
        items.map(({ q }) =>
          h(
            "button",
            { type: "button", class: "row", onclick: () => choose(q) },
            h("span", { class: "avatar medium" }, icon("search")),
            h("span", { class: "name", dir: "auto" }, q),
          ),
        ),
      );
    } catch (error) {
      return signal.aborted ? element : fill(element, failure(error, load));
    }
  }
  async function clear() {
    if (await attempt(() => api.delete("/search/recent"))) await load();
  }
  void load();
  return element;
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function exploreScreen({ signal }) {
  const list = endlessList({
    load: (cursor) => api.get("/explore", { query: { cursor, limit: 30 } }),
    render: gridItem,
    empty: () => emptyState(t("nothing_to_explore"), t("nothing_to_explore_text")),
    signal,
    class: "grid",
  });
  const tags = h("div", { class: "chips" });
  api.get("/hashtags/trending").then(
    ({ items }) => {
      tags.append(
        ...items.map(({ tag }) => h("a", { class: "chip", href: `/app/tags/${encodeURIComponent(tag)}` }, `#${tag}`)),
      );
    },
    () => {},
  ); // the pictures are of use without them
  return {
    element: h("div", { class: "page" }, h("h1", { class: "hidden" }, t("explore")), tags, list.element),
    title: t("explore"),
  };
}
