/**
 * The feed: posts of followed users, and a pill that says when there are new ones.
 * @module
 */

import { api } from "../api.js";
import { h } from "../dom.js";
import { onChange } from "../events.js";
import { t } from "../i18n.js";
import { live } from "../live.js";
import { emptyState, endlessList } from "../components/lists.js";
import { postCard } from "../components/posts.js";
import { userRow } from "../components/users.js";

/** @import { Place, Screen } from "../router.js" */

const PAGE = 10;

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function feedScreen({ signal }) {
  let rendered = 0;
  const list = endlessList({
    load: (cursor) => api.get("/feed", { query: { cursor, limit: PAGE } }),
    render: (post) => postCard(post, signal, { eager: (rendered += 1) <= 1 }),
    empty: () => [
      emptyState(
        t("empty_feed"),
        t("empty_feed_text"),
        h("a", { class: "button primary", href: "/app/explore" }, t("explore")),
      ),
      suggestions(signal),
    ],
    signal,
    class: "posts",
  });
  const pill = h("button", { type: "button", class: "pill", hidden: true, onclick: refresh }, t("new_posts"));

  async function refresh() {
    pill.hidden = true;
    scrollTo({ top: 0, behavior: "smooth" });
    await list.reload();
  }

  live.addEventListener("feed", () => (pill.hidden = false), { signal });
  live.addEventListener("reset", () => (pill.hidden = false), { signal });
  onChange("published", signal, (post) => list.prepend(post));
  return {
    element: h("div", { class: "column" }, h("h1", { class: "hidden" }, t("feed")), pill, list.element),
    title: t("feed"),
  };
}

/** @param {AbortSignal} signal */
export function suggestions(signal) {
  const rows = h("div", { class: "list" });
  const element = h("section", { class: "suggestions", hidden: true }, h("h2", null, t("suggestions")), rows);
  api.get("/users/suggestions", { query: { limit: 8 } }).then(
    ({ items }) => {
      element.hidden = items.length === 0;
      rows.append(...items.map((item) => suggestion(item)));
    },
    () => {},
  ); // the feed is of use without them
  /** @param {any} item */
  function suggestion({ user }) {
    return userRow(user, signal);
  }
  return element;
}
