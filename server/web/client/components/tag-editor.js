/**
 * Tagging people in a picture: a point is chosen in the picture, then a user; names can be moved with the arrow keys.
 * @module
 */

import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { openDialog, showMessage } from "./dialogs.js";
import { placeAt } from "./tagged-people.js";
import { userSearch } from "./user-search.js";

/** @typedef {{ userId: string, username: string, x: number, y: number }} PlacedTag */

const STEP = 0.02;
const MIDDLE = { x: 0.5, y: 0.5 };

/**
 * Open the dialog. `done` gets the tags when it is closed.
 * @param {{ src: string, alt: string, tags: PlacedTag[], max: number }} picture
 * @param {(tags: PlacedTag[]) => void} done
 */
export function editTags({ src, alt, tags: given, max }, done) {
  let tags = given.map((tag) => ({ ...tag }));
  let point = MIDDLE;
  const mark = h("span", { class: "tag-mark", hidden: true });
  const labels = h("div");
  const list = h("ul", { class: "list" });
  const photo = h(
    "div",
    { class: "tag-photo", onclick: choosePoint },
    h("img", { src, alt: alt || t("photo") }),
    mark,
    labels,
  );
  const search = userSearch(t("tag_people"), add, { hint: t("tag_people_hint") });

  /** @param {MouseEvent} event */
  function choosePoint(event) {
    const { left, top, width, height } = photo.getBoundingClientRect();
    point = { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
    mark.hidden = false;
    placeAt(mark, point.x, point.y);
    search.querySelector("input")?.focus();
  }

  /** @param {{ id: string, username: string }} user */
  function add({ id, username }) {
    if (tags.length >= max) return showMessage(t("too_many_tags", { count: max }));
    tags = [...tags.filter(({ userId }) => userId !== id), { userId: id, username, x: point.x, y: point.y }];
    point = MIDDLE;
    mark.hidden = true;
    show();
  }

  function show() {
    fill(labels, tags.map(label));
    fill(list, tags.map(row));
  }

  /** @param {PlacedTag} tag */
  function label(tag) {
    const element = h(
      "button",
      {
        type: "button",
        class: "tag-label",
        "aria-label": t("move_tag", { name: tag.username }),
        onclick: (/** @type {Event} */ event) => event.stopPropagation(),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
          const step = steps[/** @type {keyof typeof steps} */ (event.key)];
          if (!step) return;
          event.preventDefault();
          tag.x = within(tag.x + (step[0] ?? 0) * STEP);
          tag.y = within(tag.y + (step[1] ?? 0) * STEP);
          placeAt(element, tag.x, tag.y);
        },
      },
      h("bdi", null, tag.username),
    );
    placeAt(element, tag.x, tag.y);
    return element;
  }

  /** @param {PlacedTag} tag */
  function row({ userId, username }) {
    const remove = () => {
      tags = tags.filter((each) => each.userId !== userId);
      show();
      search.querySelector("input")?.focus();
    };
    const text = t("remove_user", { name: username });
    return h(
      "li",
      { class: "row" },
      h("bdi", { class: "row-text name" }, username),
      h("button", { type: "button", class: "button", "aria-label": text, onclick: remove }, t("remove")),
    );
  }

  show();
  const dialog = openDialog(t("tag_people"), (close) => [
    photo,
    search,
    list,
    h("p", { class: "quiet small" }, t("tag_consent")),
    h("div", { class: "buttons" }, h("button", { type: "button", class: "button primary", onclick: close }, t("done"))),
  ]);
  dialog.addEventListener("close", () => done(tags));
}

/** @param {number} value */
function within(value) {
  return Math.min(1, Math.max(0, value));
}
