/**
 * Saved posts and collections.
 * @module
 */

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { announce } from "../events.js";
import { t } from "../i18n.js";
import { nameCollection, setMember } from "../components/collections.js";
import { confirm, openMenu, showMessage } from "../components/dialogs.js";
import { icon } from "../components/icons.js";
import { emptyState, endlessList } from "../components/lists.js";
import { gridItem } from "../components/posts.js";
import { attempt, failure } from "../components/problems.js";

/** @import { Place, Screen } from "../router.js" */
/** @import { Collection, Post } from "../types.js" */

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function savedScreen({ signal }) {
  const shelf = h("div", { class: "shelf", "aria-busy": "true" });
  async function loadCollections() {
    try {
      /** @type {Collection[]} */
      const collections = [];
      for await (const collection of api.list("/collections", { signal })) collections.push(collection);
      fill(shelf, collections.map(card), newCollection());
    } catch (error) {
      if (!signal.aborted) fill(shelf, failure(error, loadCollections));
    } finally {
      shelf.removeAttribute("aria-busy");
    }
  }
  function newCollection() {
    const create = () => nameCollection(null, loadCollections);
    return h(
      "button",
      { type: "button", class: "shelf-card", onclick: create },
      h("span", { class: "covers" }, icon("plus")),
      h("span", { class: "name" }, t("new_collection")),
    );
  }
  let stale = false;
  void loadCollections();
  const list = endlessList({
    load: (cursor) => api.get("/saved", { query: { cursor, limit: 24 } }),
    render: gridItem,
    empty: () => emptyState(t("nothing_saved"), t("nothing_saved_text")),
    signal,
    class: "grid",
  });
  return {
    element: h(
      "div",
      { class: "page" },
      h("h1", null, t("saved")),
      h("h2", { class: "hidden" }, t("collections")),
      shelf,
      h("h2", { class: "section-title" }, t("all_saved")),
      list.element,
    ),
    title: t("saved"),
    shown: () => {
      if (stale) void loadCollections();
      stale = true; // the user may have changed one on another screen
    },
  };
}

/** @param {Collection} collection */
function card({ id, name, covers, postsCount }) {
  return h(
    "a",
    { class: "shelf-card", href: `/app/collections/${id}` },
    h(
      "span",
      { class: "covers" },
      covers
        .slice(0, 4)
        .map(({ thumbnailUrl }) => thumbnailUrl && h("img", { src: thumbnailUrl, alt: "", loading: "lazy" })),
    ),
    h("span", { class: "name", dir: "auto" }, name),
    h("span", { class: "quiet small" }, t("posts_count", { count: postsCount })),
  );
}

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function collectionScreen({ parameters, signal }) {
  const path = { collectionId: parameters.id ?? "" };
  let collection = await api.get("/collections/{collectionId}", { path });
  let removing = false;
  const title = h("h1", { dir: "auto" });
  const done = h("button", { type: "button", class: "button primary", onclick: () => mark(false) }, t("done"));
  const more = h(
    "button",
    { type: "button", class: "icon-button more-dots", "aria-label": t("more_actions"), onclick: actions },
    icon("more"),
  );
  const list = endlessList({
    load: (cursor) => api.get("/collections/{collectionId}/posts", { path, query: { cursor, limit: 24 } }),
    render: member,
    empty: () => emptyState(t("no_posts"), t("empty_collection_text")),
    signal,
    class: "grid",
  });

  function show() {
    fill(title, collection.name);
    done.hidden = !removing;
    more.hidden = removing;
    list.element.classList.toggle("removing", removing);
  }

  /** @param {boolean} now whether posts can be removed */
  function mark(now) {
    removing = now;
    show();
  }

  function actions() {
    openMenu(collection.name, [
      {
        label: t("rename_collection"),
        run: () =>
          nameCollection(collection, (renamed) => {
            collection = renamed;
            show();
          }),
      },
      { label: t("remove_posts"), run: () => mark(true) },
      { label: t("delete_collection"), danger: true, run: remove },
    ]);
  }

  async function remove() {
    const sure = await confirm(t("delete_collection"), t("delete_collection_text"), t("delete"));
    if (!sure || !(await attempt(() => api.delete("/collections/{collectionId}", { path })))) return;
    showMessage(t("collection_deleted", { name: collection.name }));
    announce("navigate", { path: "/app/saved" });
  }

  /** @param {Post} post */
  function member(post) {
    const item = gridItem(post);
    const takeOut = async () => {
      if (await attempt(() => setMember(path.collectionId, post.id, false))) cell.remove();
    };
    const label = t("remove_post_of", { name: post.author.username });
    const cell = h(
      "div",
      { class: "grid-cell" },
      item,
      h("button", { type: "button", class: "take-out", "aria-label": label, onclick: takeOut }, icon("close")),
    );
    return cell;
  }

  show();
  const back = h("a", { class: "icon-button back", href: "/app/saved", "aria-label": t("saved") }, icon("back"));
  const head = h("div", { class: "section-head start" }, back, title, h("span", { class: "grow" }), done, more);
  return { element: h("div", { class: "page" }, head, list.element), title: collection.name };
}
