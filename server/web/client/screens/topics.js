/**
 * The pages of hashtags and places, and the hashtags that one follows.
 * @module
 */

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../components/icons.js";
import { emptyState, endlessList } from "../components/lists.js";
import { attempt } from "../components/problems.js";
import { gridItem } from "../components/posts.js";

/** @import { Child } from "../dom.js" */
/** @import { Place, Screen } from "../router.js" */

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function hashtagScreen({ parameters, signal }) {
  const path = { tag: parameters.tag ?? "" };
  const hashtag = await api.get("/hashtags/{tag}", { path });
  const button = followHashtag(hashtag);
  const list = endlessList({
    load: (cursor) => api.get("/hashtags/{tag}/posts", { path, query: { cursor, limit: 24 } }),
    render: gridItem,
    empty: () => emptyState(t("no_posts")),
    signal,
    class: "grid",
  });
  const head = pageHead("tag", `#${hashtag.tag}`, t("posts_count", { count: hashtag.postsCount }), button);
  return { element: h("div", { class: "page" }, head, list.element), title: `#${hashtag.tag}` };
}

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function placeScreen({ parameters, signal }) {
  const path = { placeId: parameters.id ?? "" };
  const place = await api.get("/places/{placeId}", { path });
  const list = endlessList({
    load: (cursor) => api.get("/places/{placeId}/posts", { path, query: { cursor, limit: 24 } }),
    render: gridItem,
    empty: () => emptyState(t("no_posts")),
    signal,
    class: "grid",
  });
  const map = `https://www.openstreetmap.org/?mlat=${place.lat}&mlon=${place.lng}#map=14/${place.lat}/${place.lng}`;
  const link = h("a", { class: "button", href: map, target: "_blank", rel: "noopener" }, t("show_on_map"));
  return {
    element: h(
      "div",
      { class: "page" },
      pageHead("pin", place.name, t("posts_count", { count: place.postsCount }), link),
      list.element,
    ),
    title: place.name,
  };
}

/**
 * @param {"tag" | "pin"} name
 * @param {string} title
 * @param {string} note
 * @param {Child} action
 */
function pageHead(name, title, note, action) {
  return h(
    "header",
    { class: "page-head" },
    h("span", { class: "avatar large" }, icon(name)),
    h("div", null, h("h1", { dir: "auto" }, title), h("p", { class: "quiet" }, note), action),
  );
}

/** @param {{ tag: string, following: boolean }} hashtag */
function followHashtag({ tag, following }) {
  const path = { tag };
  const button = h("button", { type: "button", class: "button", onclick: toggle });
  function show() {
    fill(button, t(following ? "following" : "follow"));
    button.classList.toggle("primary", !following);
    button.setAttribute("aria-label", t(following ? "following_user" : "follow_user", { name: `#${tag}` }));
  }
  async function toggle() {
    const done = await attempt(() =>
      following ? api.delete("/hashtags/{tag}/follow", { path }) : api.post("/hashtags/{tag}/follow", { path }),
    );
    if (done) following = !following;
    show();
  }
  show();
  return button;
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function followedHashtagsScreen({ signal }) {
  const list = endlessList({
    load: (cursor) => api.get("/hashtags/following", { query: { cursor } }),
    render: ({ tag, postsCount }) =>
      h(
        "div",
        { class: "row" },
        h("span", { class: "avatar medium", "aria-hidden": "true" }, icon("tag")),
        h(
          "div",
          { class: "row-text" },
          h("a", { class: "name", href: `/app/tags/${encodeURIComponent(tag)}`, dir: "auto" }, `#${tag}`),
          h("span", { class: "quiet" }, t("posts_count", { count: postsCount })),
        ),
        followHashtag({ tag, following: true }),
      ),
    empty: () => emptyState(t("no_followed_hashtags"), t("no_followed_hashtags_text")),
    signal,
  });
  return {
    element: h("div", { class: "column" }, h("h1", null, t("followed_hashtags")), list.element),
    title: t("followed_hashtags"),
  };
}
