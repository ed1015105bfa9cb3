/**
 * One post with its comments, and who likes it.
 * @module
 */

import { api } from "../api.js";
import { h } from "../dom.js";
import { announce, onChange } from "../events.js";
import { t } from "../i18n.js";
import { commentSection } from "../components/comments.js";
import { icon } from "../components/icons.js";
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
  const archived = h("p", { class: "notice note" }, icon("archive"), t("archived_note"));
  archived.hidden = post.status !== "archived";
  onChange("postMoved", signal, ({ id, status }) => {
    if (id === post.id) archived.hidden = status !== "archived";
  });
  const element = h(
    "div",
    { class: "column post-page" },
    h("h1", { class: "hidden" }, title),
    archived,
    postCard(post, signal, { eager: true, page: true }),
    commentSection(post, signal),
  );
  onChange("postDeleted", signal, ({ id }) => id === post.id && announce("navigate", { path: "/" }));
  return { element, title };
}

/**
 * Who likes a post, or a comment on it.
 * @param {Place} place
 * @returns {Screen}
 */
export function likersScreen({ parameters, signal }) {
  const { id: postId = "", comment: commentId } = parameters;
  const list = endlessList({
    load: (cursor) =>
      commentId
        ? api.get("/posts/{postId}/comments/{commentId}/likes", { path: { postId, commentId }, query: { cursor } })
        : api.get("/posts/{postId}/likes", { path: { postId }, query: { cursor } }),
    render: (user) => userRow(user, signal),
    empty: () => emptyState(t("no_likes")),
    signal,
  });
  return { element: h("div", { class: "column" }, h("h1", null, t("likes")), list.element), title: t("likes") };
}
