/**
 * One post with its comments, and who likes it.
 * @module
 */

import { api } from "../api.js";
import { h } from "../dom.js";
import { announce, onChange } from "../events.js";
import { t } from "../i18n.js";
import { commentSection } from "../components/comments.js";
import { emptyState, endlessList } from "../components/lists.js";
import { postCard } from "../components/posts.js";
import { userRow } from "../components/users.js";

/** @import { Place, Screen } from "../router.js" */

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function postScreen({ parameters, signal }) {
  const post = await api.get("/posts/{postId}", { path: { postId: parameters.id ?? "" } });
  const title = t("post_by", { name: post.author.username });
  const element = h(
    "div",
    { class: "column post-page" },
    h("h1", { class: "hidden" }, title),
    postCard(post, signal, { eager: true, page: true }),
    commentSection(post, signal),
  );
  onChange("postDeleted", signal, ({ id }) => id === post.id && announce("navigate", { path: "/" }));
  return { element, title };
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function likersScreen({ parameters, signal }) {
  const path = { postId: parameters.id ?? "" };
  const list = endlessList({
    load: (cursor) => api.get("/posts/{postId}/likes", { path, query: { cursor } }),
    render: (user) => userRow(user, signal),
    empty: () => emptyState(t("no_likes")),
    signal,
  });
  return { element: h("div", { class: "column" }, h("h1", null, t("likes")), list.element), title: t("likes") };
}
