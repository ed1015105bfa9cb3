/**
 * Saved posts and collections.
 * @module
 */

import { api } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { openDialog } from "../components/dialogs.js";
import { field, form } from "../components/forms.js";
import { emptyState, endlessList } from "../components/lists.js";
import { gridItem } from "../components/posts.js";

/** @import { Place, Screen } from "../router.js" */

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function savedScreen({ signal }) {
  const collections = h("div", { class: "chips" });
  async function loadCollections() {
    const { items } = await api.get("/collections");
    collections.replaceChildren(
      ...items.map(({ id, name }) => h("a", { class: "chip", href: `/app/collections/${id}`, dir: "auto" }, name)),
      h("button", { type: "button", class: "chip", onclick: create }, `+ ${t("new_collection")}`),
    );
  }
  function create() {
    openDialog(t("new_collection"), (close) => [
      form(
        {
          action: t("create"),
          submit: async ({ name }) => {
            await api.post("/collections", { body: { name: name ?? "" } });
            close();
            await loadCollections();
          },
        },
        field(t("name"), "name", { dir: "auto", required: true }),
      ),
    ]);
  }
  loadCollections().catch(() => {}); // the posts are of use without them
  const list = endlessList({
    load: (cursor) => api.get("/saved", { query: { cursor, limit: 24 } }),
    render: gridItem,
    empty: () => emptyState(t("nothing_saved"), t("nothing_saved_text")),
    signal,
    class: "grid",
  });
  return {
    element: h("div", { class: "page" }, h("h1", null, t("saved")), collections, list.element),
    title: t("saved"),
  };
}

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function collectionScreen({ parameters, signal }) {
  const path = { collectionId: parameters.id ?? "" };
  const collection = await api.get("/collections/{collectionId}", { path });
  const list = endlessList({
    load: (cursor) => api.get("/collections/{collectionId}/posts", { path, query: { cursor, limit: 24 } }),
    render: gridItem,
    empty: () => emptyState(t("no_posts")),
    signal,
    class: "grid",
  });
  return {
    element: h("div", { class: "page" }, h("h1", { dir: "auto" }, collection.name), list.element),
    title: collection.name,
  };
}
