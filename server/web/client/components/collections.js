/**
 * Collections of saved posts: the dialog that sorts a post into them, and their names.
 * @module
 */

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { announce } from "../events.js";
import { t } from "../i18n.js";
import { openDialog, showMessage } from "./dialogs.js";
import { field, form, toggle } from "./forms.js";
import { attempt, failure } from "./problems.js";

/** @import { Collection, Post } from "../types.js" */

/**
 * Ask for a name, and create a collection with it or rename one.
 * @param {Collection | null} collection
 * @param {(collection: Collection) => unknown} done
 */
export function nameCollection(collection, done) {
  openDialog(t(collection ? "rename_collection" : "new_collection"), (close) => [
    form(
      {
        action: t(collection ? "save_changes" : "create"),
        submit: async ({ name = "" }) => {
          const body = { name };
          const named = collection
            ? await api.patch("/collections/{collectionId}", { path: { collectionId: collection.id }, body })
            : await api.post("/collections", { body });
          close();
          await done(named);
        },
      },
      field(t("name"), "name", { dir: "auto", required: true, value: collection?.name ?? "", autofocus: true }),
    ),
  ]);
}

/**
 * Show the collections, with switches for those that have the post.
 * @param {Pick<Post, "id">} post
 */
export function chooseCollections(post) {
  const body = h("div", { class: "list" });
  openDialog(t("collections"), () => [body]);
  void load();

  async function load() {
    try {
      /** @type {Collection[]} */
      const items = [];
      for await (const item of api.list("/collections", { query: { postId: post.id } })) items.push(item);
      fill(body, items.length ? items.map(row) : h("p", { class: "quiet" }, t("no_collections")), create());
    } catch (error) {
      fill(body, failure(error, load));
    }
  }

  /** @param {Collection} collection */
  function row({ id, name, hasPost = false }) {
    return toggle(name, id, {
      checked: hasPost,
      onchange: async (/** @type {Event} */ event) => {
        const input = /** @type {HTMLInputElement} */ (event.target);
        if (!(await put(id, input.checked))) input.checked = !input.checked;
      },
    });
  }

  function create() {
    const add = () =>
      nameCollection(null, async ({ id, name }) => {
        if (await put(id, true)) showMessage(t("added_to_collection", { name }));
        await load();
      });
    return h("button", { type: "button", class: "button wide", onclick: add }, t("new_collection"));
  }

  /** @param {string} collectionId @param {boolean} member */
  function put(collectionId, member) {
    return attempt(async () => {
      await setMember(collectionId, post.id, member);
      if (member) announce("post", { id: post.id, saved: true });
    });
  }
}

/**
 * @param {string} collectionId
 * @param {string} postId
 * @param {boolean} member
 */
export function setMember(collectionId, postId, member) {
  const path = { collectionId, postId };
  return member
    ? api.post("/collections/{collectionId}/posts/{postId}", { path })
    : api.delete("/collections/{collectionId}/posts/{postId}", { path });
}
