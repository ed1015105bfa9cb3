/**
 * The pictures of a post, side by side: swiped on phones, with buttons and arrow keys elsewhere.
 * @module
 */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "./icons.js";
import { picture } from "./pictures.js";

/** @import { Image } from "../types.js" */

/**
 * @param {Image[]} images
 * @param {{ eager?: boolean, frames?: Map<string, HTMLElement> }} [options] `frames` gets the frames by image ids
 */
export function carousel(images, { eager = false, frames = new Map() } = {}) {
  const [first] = images;
  if (!first) return h("div");
  if (images.length === 1) {
    const only = picture(first, { eager });
    frames.set(first.id, only);
    return only;
  }
  // All have the proportions of the first, so that the page does not jump.
  const slides = images.map((image, index) => {
    const frame = picture(image, { eager: eager && index === 0 });
    frame.style.setProperty("aspect-ratio", `${first.width} / ${first.height}`);
    frames.set(image.id, frame);
    return h(
      "div",
      { class: "slide", role: "group", "aria-label": t("photo_of", { number: index + 1, total: images.length }) },
      frame,
    );
  });
  const dots = images.map(() => h("span", { class: "dot" }));
  const strip = h(
    "div",
    { class: "strip", tabIndex: 0, role: "region", "aria-label": t("photos"), onscroll: update, onkeydown: key },
    slides,
  );
  const previous = arrow("back", -1);
  const next = arrow("next", 1);

  /** @param {"back" | "next"} name @param {number} step */
  function arrow(name, step) {
    const label = t(step < 0 ? "previous_photo" : "next_photo");
    return h(
      "button",
      { type: "button", class: `arrow ${name}`, "aria-label": label, onclick: () => go(step) },
      icon(name),
    );
  }

  function current() {
    return Math.round(Math.abs(strip.scrollLeft) / Math.max(1, strip.clientWidth));
  }

  /** @param {number} step */
  function go(step) {
    slides[current() + step]?.scrollIntoView({ behavior: "smooth", block: "nearest", inline: "start" });
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const backward = forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
    if (event.key !== forward && event.key !== backward) return;
    event.preventDefault();
    go(event.key === forward ? 1 : -1);
  }

  function update() {
    const index = current();
    dots.forEach((dot, position) => dot.classList.toggle("current", position === index));
    previous.hidden = index === 0;
    next.hidden = index === images.length - 1;
  }

  update();
  return h(
    "div",
    { class: "carousel" },
    strip,
    previous,
    next,
    h("div", { class: "dots", "aria-hidden": "true" }, dots),
  );
}
