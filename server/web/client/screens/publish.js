/**
 * Publishing: pictures are uploaded while the user writes, each with its progress, and continue after a lost connection.
 * @module
 */

import { ApiError } from "../../sdk/index.js";
import { api, getConfig } from "../api.js";
import { fill, h } from "../dom.js";
import { announce } from "../events.js";
import { t } from "../i18n.js";
import { crop } from "../components/crop.js";
import { showMessage } from "../components/dialogs.js";
import { field, form } from "../components/forms.js";
import { icon } from "../components/icons.js";
import { describe } from "../components/problems.js";

/** @import { Place, Screen } from "../router.js" */
/** @import { UnusedMedia } from "../types.js" */

const DRAFT_KEY = "photofeed.draft";

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function publishScreen({ signal }) {
  const config = await getConfig();
  /** @type {ChosenPicture[]} */
  let pictures = [];
  const chosen = h("div", { class: "chosen" });
  const input = h("input", {
    type: "file",
    accept: "image/*",
    multiple: true,
    class: "hidden",
    id: "files",
    onchange: () => {
      add([...(input.files ?? [])]);
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

  /** @param {File[]} files */
  function add(files) {
    const room = config.images.maxFiles - pictures.length;
    if (files.length > room) showMessage(t("too_many_photos", { count: config.images.maxFiles }));
    pictures.push(...files.slice(0, room).map((file) => chosenPicture(file, config.texts.altText, { remove, move })));
    show();
  }

  /** @param {ChosenPicture} picture */
  function remove(picture) {
    picture.discard();
    pictures = pictures.filter((each) => each !== picture);
    show();
  }

  /** @param {ChosenPicture} picture @param {number} step */
  function move(picture, step) {
    const from = pictures.indexOf(picture);
    const other = pictures[from + step];
    if (!other) return;
    pictures[from + step] = picture;
    pictures[from] = other;
    show();
  }

  function show() {
    fill(
      chosen,
      pictures.map(({ element }) => element),
    );
    drop.classList.toggle("compact", pictures.length > 0);
  }

  /** @param {Record<string, string>} values */
  async function publish({ caption, audience }) {
    if (pictures.length === 0) throw new Error(t("choose_photos"));
    const media = await Promise.all(pictures.map((picture) => picture.uploaded()));
    const body = {
      mediaIds: media.map(({ id }) => id),
      altTexts: pictures.map((picture) => picture.altText()),
      caption: caption ?? "",
      audience: /** @type {"public" | "followers" | "close_friends"} */ (audience),
    };
    const post = await api.post("/posts", { body });
    sessionStorage.removeItem(DRAFT_KEY);
    pictures = [];
    announce("published", post);
    announce("profile", {});
    showMessage(t("published"));
    announce("navigate", { path: "/" });
  }

  const element = h(
    "div",
    { class: "column", ondragover: (/** @type {Event} */ event) => event.preventDefault(), ondrop: dropped },
    h("h1", null, t("new_post")),
    input,
    chosen,
    drop,
    form(
      { action: t("publish"), submit: publish },
      field(t("caption"), "caption", {
        multiline: true,
        rows: 4,
        dir: "auto",
        maxLength: config.texts.caption,
        value: sessionStorage.getItem(DRAFT_KEY) ?? "",
        oninput: (/** @type {any} */ event) => sessionStorage.setItem(DRAFT_KEY, event.target.value),
      }),
      h(
        "div",
        { class: "field" },
        h("label", { for: "audience" }, t("audience")),
        h(
          "select",
          { id: "audience", name: "audience", class: "input" },
          /** @type {const} */ (["public", "followers", "close_friends"]).map((each) =>
            h("option", { value: each }, t(`audience.${each}`)),
          ),
        ),
      ),
    ),
  );

  /** @param {DragEvent} event */
  function dropped(event) {
    event.preventDefault();
    add([...(event.dataTransfer?.files ?? [])]);
  }

  signal.addEventListener("abort", () => pictures.forEach((picture) => picture.discard()));
  return { element, title: t("new_post") };
}

/**
 * @typedef {object} ChosenPicture
 * @property {HTMLElement} element
 * @property {() => Promise<UnusedMedia>} uploaded
 * @property {() => string} altText
 * @property {() => void} discard
 */

/**
 * A picture that was chosen: it uploads itself.
 * @param {File} original
 * @param {number} maxAltText
 * @param {{ remove: (picture: ChosenPicture) => void, move: (picture: ChosenPicture, step: number) => void }} list
 */
function chosenPicture(original, maxAltText, list) {
  let upload = new AbortController();
  /** @type {ReturnType<typeof api.upload>} */
  let result;
  const preview = h("img", { alt: "" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": t("uploading", { name: original.name }) });
  const note = h("p", { class: "small", role: "status" });
  const altText = h("input", {
    class: "input",
    placeholder: t("alt_text_hint"),
    "aria-label": t("alt_text"),
    maxLength: maxAltText,
    dir: "auto",
  });
  const again = h(
    "button",
    { type: "button", class: "link", hidden: true, onclick: () => start(original) },
    t("try_again"),
  );

  /** @param {File} file */
  function start(file) {
    upload.abort();
    upload = new AbortController();
    URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(file);
    again.hidden = true;
    bar.hidden = false;
    fill(note, t("uploading", { name: file.name }));
    result = api.upload(file, {
      signal: upload.signal,
      onProgress: ({ sent, total }) => (bar.value = sent / total),
    });
    result.then(
      () => finish(t("uploaded")),
      (error) => {
        if (error.name === "AbortError") return;
        finish(describe(error));
        note.classList.add("error");
        again.hidden = error instanceof ApiError;
      },
    );
  }

  /** @param {string} text */
  function finish(text) {
    bar.hidden = true;
    fill(note, text);
  }

  async function cropIt() {
    const cropped = await crop(original).catch(() => null); // not every browser can decode every format
    if (cropped) start(cropped);
  }

  const element = h(
    "div",
    { class: "chosen-picture" },
    preview,
    h(
      "div",
      { class: "row-text" },
      note,
      again,
      bar,
      altText,
      h(
        "div",
        { class: "buttons start" },
        tool("crop", t("crop"), cropIt),
        tool("back", t("move_back"), () => list.move(picture, -1)),
        tool("next", t("move_forward"), () => list.move(picture, 1)),
        tool("trash", t("remove"), () => list.remove(picture)),
      ),
    ),
  );
  /** @type {ChosenPicture} */
  const picture = {
    element,
    uploaded: () => result,
    altText: () => altText.value,
    discard() {
      upload.abort();
      URL.revokeObjectURL(preview.src);
    },
  };
  start(original);
  return picture;
}

/**
 * @param {import("../components/icons.js").IconName} name
 * @param {string} label
 * @param {() => unknown} run
 */
function tool(name, label, run) {
  return h(
    "button",
    { type: "button", class: "icon-button small", "aria-label": label, title: label, onclick: run },
    icon(name),
  );
}
