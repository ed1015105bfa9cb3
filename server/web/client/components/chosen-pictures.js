/**
 * The pictures of a post that is being written or edited: new ones upload themselves, each with its progress, and
 * continue after a lost connection.
 * @module
 */

import { ApiError } from "../../sdk/index.js";
import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { crop } from "./crop.js";
import { showMessage } from "./dialogs.js";
import { icon } from "./icons.js";
import { describe } from "./problems.js";
import { editTags } from "./tag-editor.js";

/** @import { Config, Image } from "../types.js" */
/** @import { PlacedTag } from "./tag-editor.js" */

/** @typedef {{ id: string, altText: string, tags: PlacedTag[] }} Chosen as the API takes it */

/**
 * @typedef {object} ChosenPicture
 * @property {HTMLElement} element
 * @property {() => Promise<Chosen>} chosen when it is uploaded
 * @property {() => Chosen | null} state what is known of it; null before it is uploaded
 * @property {(focus?: "back" | "next") => void} update after it has moved
 * @property {() => void} discard
 */

/**
 * Return the list, and what adds to it.
 * @param {Config} config
 * @param {() => void} changed called after every change
 */
export function pictureList(config, changed) {
  /** @type {ChosenPicture[]} */
  let pictures = [];
  const element = h("ul", { class: "chosen", "aria-label": t("photos") });
  const input = h("input", {
    type: "file",
    accept: "image/*",
    multiple: true,
    class: "hidden",
    id: "files",
    onchange: () => {
      addFiles([...(input.files ?? [])]);
      input.value = "";
    },
  });
  const drop = h(
    "label",
    { class: "drop", for: "files" },
    icon("camera"),
    h("b", null, t("choose_photos")),
    h("span", { class: "quiet small" }, t("choose_photos_hint", { count: config.images.maxFiles })),
  );
  const list = { remove, move, index: position, count: () => pictures.length, changed, config };

  /** @param {File[]} files */
  function addFiles(files) {
    const room = config.images.maxFiles - pictures.length;
    if (files.length > room) showMessage(t("too_many_photos", { count: config.images.maxFiles }));
    pictures.push(...files.slice(0, room).map((file) => chosenPicture({ file, altText: "", tags: [] }, list)));
    show();
  }

  /**
   * Add a picture that the server has.
   * @param {Image} image
   * @param {string} altText
   * @param {PlacedTag[]} tags
   */
  function addImage(image, altText, tags) {
    pictures.push(chosenPicture({ image, altText, tags }, list));
    show();
  }

  /** @param {ChosenPicture} picture */
  function position(picture) {
    return pictures.indexOf(picture);
  }

  /** @param {ChosenPicture} picture */
  function remove(picture) {
    picture.discard();
    pictures = pictures.filter((each) => each !== picture);
    show();
  }

  /** @param {ChosenPicture} picture @param {1 | -1} step */
  function move(picture, step) {
    const from = pictures.indexOf(picture);
    const other = pictures[from + step];
    if (!other) return;
    pictures[from + step] = picture;
    pictures[from] = other;
    show();
    picture.update(step < 0 ? "back" : "next");
  }

  function show() {
    fill(
      element,
      pictures.map((picture) => picture.element),
    );
    for (const picture of pictures) picture.update();
    element.hidden = pictures.length === 0;
    drop.classList.toggle("compact", pictures.length > 0);
    drop.hidden = pictures.length >= config.images.maxFiles;
    changed();
  }

  element.hidden = true;
  return {
    parts: [input, element, drop],
    addFiles,
    addImage,
    count: () => pictures.length,
    /** Wait for the uploads; rejects if one was refused. */
    chosen: () => Promise.all(pictures.map((picture) => picture.chosen())),
    state: () => pictures.map((picture) => picture.state()).filter((state) => state !== null),
    discard: () => pictures.forEach((picture) => picture.discard()),
  };
}

/**
 * @typedef {object} List
 * @property {(picture: ChosenPicture) => void} remove
 * @property {(picture: ChosenPicture, step: 1 | -1) => void} move
 * @property {(picture: ChosenPicture) => number} index
 * @property {() => number} count
 * @property {() => void} changed
 * @property {Config} config
 */

/**
 * @param {{ file?: File, image?: Image, altText: string, tags: PlacedTag[] }} start
 * @param {List} list
 * @returns {ChosenPicture}
 */
function chosenPicture({ file: original, image, altText: text, tags: given }, list) {
  let upload = new AbortController();
  let tags = given;
  let id = image?.id ?? null;
  /** @type {Promise<string>} */
  let result = Promise.resolve(id ?? "");
  const preview = h("img", { alt: text, src: image?.url ?? "" });
  const bar = h("progress", { max: 1, value: 0, hidden: true });
  const note = h("p", { class: "small quiet", role: "status" });
  const altText = h("textarea", {
    class: "input",
    rows: 2,
    placeholder: t("alt_text_hint"),
    maxLength: list.config.texts.altText,
    dir: "auto",
    oninput: list.changed,
  });
  altText.value = text;
  const again = h(
    "button",
    { type: "button", class: "link", hidden: true, onclick: () => original && start(original) },
    t("try_again"),
  );

  /** @param {File} file */
  function start(file) {
    upload.abort();
    upload = new AbortController();
    release();
    preview.src = URL.createObjectURL(file);
    id = null;
    again.hidden = true;
    bar.hidden = false;
    bar.setAttribute("aria-label", t("uploading", { name: file.name }));
    note.classList.remove("error");
    fill(note, t("uploading", { name: file.name }));
    const { signal } = upload;
    result = api
      .upload(file, { signal, onProgress: ({ sent, total }) => (bar.value = sent / total) })
      .then((media) => media.id);
    result.then(
      (uploaded) => {
        id = uploaded;
        finish(t("uploaded"));
        list.changed();
      },
      (error) => {
        if (signal.aborted) return;
        finish(`${file.name}: ${describe(error)}`);
        note.classList.add("error");
        again.hidden = error instanceof ApiError && error.status !== 429;
      },
    );
  }

  /** @param {string} message */
  function finish(message) {
    bar.hidden = true;
    fill(note, message);
  }

  function release() {
    if (preview.src.startsWith("blob:")) URL.revokeObjectURL(preview.src);
  }

  async function cropIt() {
    if (!original) return;
    const cropped = await crop(original).catch(() => null); // not every browser can decode every format
    if (cropped) start(cropped);
  }

  function tagPeople() {
    editTags({ src: preview.src, alt: altText.value, tags, max: list.config.images.maxTags }, (edited) => {
      tags = edited;
      update();
      list.changed();
    });
  }

  const tools = {
    tag: tool("people", t("tag_people"), tagPeople),
    crop: tool("crop", t("crop"), cropIt),
    back: tool("back", t("move_back"), () => list.move(picture, -1)),
    next: tool("next", t("move_forward"), () => list.move(picture, 1)),
    remove: tool("trash", t("remove"), () => list.remove(picture)),
  };
  tools.crop.hidden = !original;

  /** @param {"back" | "next"} [focus] the tool that is to keep the focus */
  function update(focus) {
    const index = list.index(picture);
    const place = t("photo_of", { number: index + 1, total: list.count() });
    element.setAttribute("aria-label", place);
    altText.setAttribute("aria-label", `${t("alt_text")}: ${place}`);
    tools.back.disabled = index === 0;
    tools.next.disabled = index === list.count() - 1;
    tools.tag.setAttribute("aria-label", tags.length ? t("tagged_people", { count: tags.length }) : t("tag_people"));
    fill(tools.tag, icon("people", { filled: tags.length > 0 }), tags.length > 0 && h("b", null, tags.length));
    if (focus) (tools[focus].disabled ? tools[focus === "back" ? "next" : "back"] : tools[focus]).focus();
  }

  const element = h(
    "li",
    { class: "chosen-picture" },
    preview,
    h(
      "div",
      { class: "row-text" },
      note,
      again,
      bar,
      altText,
      h("div", { class: "buttons start" }, tools.tag, tools.crop, tools.back, tools.next, tools.remove),
    ),
  );
  /** @type {ChosenPicture} */
  const picture = {
    element,
    chosen: async () => ({ id: await result, altText: altText.value, tags }),
    state: () => (id === null ? null : { id, altText: altText.value, tags }),
    update,
    discard() {
      upload.abort();
      release();
    },
  };
  if (original) start(original);
  return picture;
}

/**
 * @param {import("./icons.js").IconName} name
 * @param {string} label
 * @param {() => unknown} run
 */
function tool(name, label, run) {
  return h(
    "button",
    { type: "button", class: `icon-button small tool ${name}`, "aria-label": label, title: label, onclick: run },
    icon(name),
  );
}
