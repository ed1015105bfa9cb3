/**
 * The people in the pictures of a post: a button that shows their names where they are.
 * @module
 */

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "./icons.js";
import { attempt } from "./problems.js";
import { profilePath } from "./users.js";

/** @import { Post } from "../types.js" */

/**
 * Return the button, or null if no user is tagged.
 * @param {Pick<Post, "id" | "images">} post
 * @param {Map<string, HTMLElement>} frames of the pictures, by their ids
 */
export function taggedPeople(post, frames) {
  if (!post.images.some(({ tags }) => tags.length > 0)) return null;
  /** @type {HTMLElement[]} */
  let labels = [];
  const button = h(
    "button",
    { type: "button", class: "people-button", "aria-label": t("people_in_photo"), "aria-pressed": "false", onclick },
    icon("people", { filled: true }),
  );

  async function onclick() {
    const shown = labels.length > 0;
    labels.forEach((label) => label.remove());
    labels = [];
    if (!shown) await attempt(showLabels);
    button.setAttribute("aria-pressed", String(labels.length > 0));
  }

  async function showLabels() {
    const { items } = await api.get("/posts/{postId}/tags", { path: { postId: post.id } });
    for (const { user, imageId, pending, x, y } of items) {
      const label = h("a", { class: "tag-label", href: profilePath(user) });
      fill(label, h("bdi", null, user.username), pending && ` (${t("pending")})`);
      placeAt(label, x, y);
      frames.get(imageId)?.append(label);
      labels.push(label);
    }
  }
  return button;
}

/**
 * Move an element to a point of a picture, and keep it within the picture.
 * @param {HTMLElement} element
 * @param {number} x from the left edge, 0, to the right, 1
 * @param {number} y from the upper edge, 0, to the lower, 1
 */
export function placeAt(element, x, y) {
  element.style.setProperty("left", `${Math.min(0.9, Math.max(0.1, x)) * 100}%`);
  element.style.setProperty("top", `${Math.min(0.94, Math.max(0.04, y)) * 100}%`);
}
