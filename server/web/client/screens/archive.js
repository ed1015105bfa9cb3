/**
 * What only its author sees: archived posts, and the earlier versions of an edited post.
 * @module
 */

import { api } from "../api.js";
import { h } from "../dom.js";
import { onChange } from "../events.js";
import { formatTime, t } from "../i18n.js";
import { icon } from "../components/icons.js";
import { emptyState, endlessList } from "../components/lists.js";
import { thumbnail } from "../components/pictures.js";
import { gridItem } from "../components/posts.js";
import { richText } from "../components/texts.js";

/** @import { Place, Screen } from "../router.js" */
/** @import { PostVersion } from "../types.js" */

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function archiveScreen({ signal }) {
  const list = endlessList({
    load: (cursor) => api.get("/posts", { query: { status: "archived", cursor, limit: 24 } }),
    render: gridItem,
    empty: () => emptyState(t("no_archived"), t("no_archived_text")),
    signal,
    class: "grid",
  });
  onChange("postMoved", signal, () => void list.reload());
  onChange("postDeleted", signal, () => void list.reload());
  return {
    element: h(
      "div",
      { class: "page" },
      h("h1", null, t("archived_posts")),
      h("p", { class: "quiet note" }, icon("lock"), t("only_you_see")),
      list.element,
    ),
    title: t("archived_posts"),
  };
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function historyScreen({ parameters, signal }) {
  const path = { postId: parameters.id ?? "" };
  const list = endlessList({
    load: (cursor) => api.get("/posts/{postId}/history", { path, query: { cursor } }),
    render: version,
    empty: () => emptyState(t("no_history")),
    signal,
  });
  const back = h("a", { class: "icon-button back", href: `/p/${path.postId}`, "aria-label": t("post") }, icon("back"));
  return {
    element: h(
      "div",
      { class: "column" },
      h("div", { class: "section-head start" }, back, h("h1", null, t("edit_history"))),
      list.element,
    ),
    title: t("edit_history"),
  };
}

/** @param {PostVersion} version */
function version({ caption, hashtags, images, removedImagesCount, replacedAt }) {
  return h(
    "article",
    { class: "version" },
    h("h2", { class: "quiet small" }, t("version_until", { time: formatTime(replacedAt) })),
    h("p", { class: "text", dir: "auto" }, caption ? richText(caption, { hashtags }) : t("no_caption")),
    h("div", { class: "version-images" }, images.map(thumbnail)),
    removedImagesCount > 0 && h("p", { class: "quiet small" }, t("removed_images", { count: removedImagesCount })),
  );
}
