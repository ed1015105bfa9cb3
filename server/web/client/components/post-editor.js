/**
 * The form of a post: its pictures, caption, place, audience and options; for a new post, a draft and an edit.
 * @module
 */

import { api, getConfig } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { pictureList } from "./chosen-pictures.js";
import { field, form, toggle } from "./forms.js";
import { placePicker } from "./place-picker.js";
import { MissingPictures } from "./problems.js";

/** @import { Post } from "../types.js" */
/** @import { Chosen } from "./chosen-pictures.js" */
/** @import { Submit } from "./forms.js" */
/** @import { ChosenPlace } from "./place-picker.js" */
/** @import { PlacedTag } from "./tag-editor.js" */

/** @typedef {"public" | "followers" | "close_friends"} Audience */

/**
 * What the form contains.
 * @typedef {object} Content
 * @property {string} caption
 * @property {Audience} audience
 * @property {boolean} hideLikeCount
 * @property {boolean} commentsEnabled
 * @property {ChosenPlace | null} place
 * @property {Chosen[]} pictures
 */

/** @type {Content} */
export const EMPTY = {
  caption: "",
  audience: "public",
  hideLikeCount: false,
  commentsEnabled: true,
  place: null,
  pictures: [],
};

/**
 * @typedef {object} EditorOptions
 * @property {Post | null} post the one that is edited
 * @property {Content} content what the form shows at first
 * @property {string} storedAs the name under which the form is kept until it was sent
 * @property {string} action
 * @property {(editor: Editor) => Promise<unknown>} submit
 * @property {{ action: string, submit: (editor: Editor) => Promise<unknown> }[]} [others]
 * @property {AbortSignal} signal
 */

/**
 * @typedef {object} Editor
 * @property {() => Promise<Content>} content when the pictures are uploaded
 * @property {() => void} forget what is kept of the form, because it was sent
 * @property {() => number} count of pictures
 */

/**
 * Return the form.
 *
 * What is typed, and which pictures are uploaded, is kept in the tab until it was sent: a reload, or a session that
 * ends, loses nothing.
 * @param {EditorOptions} options
 */
export async function postEditor({ post, content, storedAs, action, submit, others = [], signal }) {
  const config = await getConfig();
  const kept = restore(storedAs);
  const start = kept ?? content;
  let ready = false;
  const pictures = pictureList(config, remember);
  const place = placePicker(start.place, remember);
  await addPictures(pictures, post, start.pictures);

  /** @param {HTMLFormElement} element @returns {Omit<Content, "pictures">} */
  function read(element) {
    const values = new FormData(element);
    return {
      caption: String(values.get("caption")),
      audience: /** @type {Audience} */ (values.get("audience")),
      hideLikeCount: values.has("hideLikeCount"),
      commentsEnabled: !values.has("commentsOff"),
      place: place.value(),
    };
  }

  function remember() {
    if (!ready) return;
    const state = { ...read(element), pictures: pictures.state() };
    sessionStorage.setItem(storedAs, JSON.stringify(state));
  }

  /** @type {Editor} */
  const editor = {
    content: async () => {
      const typed = read(element);
      return { ...typed, pictures: await pictures.chosen() };
    },
    forget: () => {
      ready = false;
      sessionStorage.removeItem(storedAs);
    },
    count: pictures.count,
  };
  /** @param {(editor: Editor) => Promise<unknown>} run @returns {Submit} */
  const send = (run) => () => {
    if (pictures.count() === 0) throw new MissingPictures();
    return run(editor);
  };

  const audiences = /** @type {const} */ (["public", "followers", "close_friends"]).map((each) =>
    h("option", { value: each, selected: each === start.audience }, t(`audience.${each}`)),
  );
  const element = form(
    {
      action,
      submit: send(submit),
      others: others.map((other) => ({ action: other.action, submit: send(other.submit) })),
    },
    field(t("caption"), "caption", {
      multiline: true,
      rows: 4,
      dir: "auto",
      maxLength: config.texts.caption,
      value: start.caption,
    }),
    place.element,
    h(
      "div",
      { class: "field" },
      h("label", { for: "audience" }, t("audience")),
      h("select", { id: "audience", name: "audience", class: "input" }, audiences),
    ),
    h(
      "div",
      { class: "toggles" },
      toggle(t("hide_like_count"), "hideLikeCount", {
        checked: start.hideLikeCount,
        hint: t("hide_like_count_hint"),
      }),
      toggle(t("turn_comments_off"), "commentsOff", { checked: !start.commentsEnabled }),
    ),
  );
  element.addEventListener("input", remember);
  element.addEventListener("change", remember);
  signal.addEventListener("abort", pictures.discard);
  ready = true;

  /** @param {DragEvent} event */
  function dropped(event) {
    event.preventDefault();
    pictures.addFiles([...(event.dataTransfer?.files ?? [])]);
  }

  return {
    restored: kept !== null,
    element: h(
      "div",
      {
        ondragover: (/** @type {Event} */ event) => event.preventDefault(),
        ondrop: dropped,
        onpaste: (/** @type {ClipboardEvent} */ event) => {
          const files = [...(event.clipboardData?.files ?? [])];
          if (files.length) pictures.addFiles(files);
        },
      },
      ...pictures.parts,
      element,
    ),
  };
}

/**
 * Add the pictures by their ids: those of the post, and others that were uploaded, unless they have expired.
 * @param {ReturnType<typeof pictureList>} list
 * @param {Post | null} post
 * @param {Chosen[]} chosen
 */
async function addPictures(list, post, chosen) {
  const found = await Promise.all(
    chosen.map(async ({ id }) => {
      const own = post?.images.find((image) => image.id === id);
      if (own) return own;
      const path = { mediaId: id };
      return api.get("/media/unused/{mediaId}", { path }).then(
        ({ image }) => image,
        () => null,
      );
    }),
  );
  chosen.forEach(({ altText, tags }, index) => {
    const image = found[index];
    if (image) list.addImage(image, altText, tags);
  });
}

/**
 * @param {string} storedAs
 * @returns {Content | null}
 */
function restore(storedAs) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(storedAs) ?? "null");
    return kept && { ...EMPTY, ...kept };
  } catch {
    return null;
  }
}

/**
 * Return what a post contains, with the tags that wait for approval.
 * @param {Post} post
 * @returns {Promise<Content>}
 */
export async function contentOf(post) {
  /** @type {Map<string, PlacedTag[]>} */
  const tags = new Map();
  if (post.status === "published" || post.status === "archived") {
    const { items } = await api.get("/posts/{postId}/tags", { path: { postId: post.id } });
    for (const { imageId, user, x, y } of items) {
      tags.set(imageId, [...(tags.get(imageId) ?? []), { userId: user.id, username: user.username, x, y }]);
    }
  }
  return {
    caption: post.caption,
    audience: post.audience,
    hideLikeCount: post.hideLikeCount,
    commentsEnabled: post.commentsEnabled,
    place: post.place,
    pictures: post.images.map(({ id, altText }) => ({ id, altText, tags: tags.get(id) ?? [] })),
  };
}

/**
 * Return pictures as the API takes them.
 * @param {Chosen[]} pictures
 */
export function mediaOf(pictures) {
  return pictures.map(({ id, altText, tags }) => ({
    id,
    altText,
    tags: tags.map(({ userId, x, y }) => ({ userId, x, y })),
  }));
}

/**
 * Return the place as the API takes it.
 * @param {ChosenPlace | null} place
 */
export function placeOf(place) {
  if (!place) return {};
  return place.id ? { placeId: place.id } : { place: { name: place.name, lat: place.lat, lng: place.lng } };
}
