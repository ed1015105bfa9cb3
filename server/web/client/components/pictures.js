/**
 * Pictures: the rendition that fits the screen, over a blurred placeholder; and avatars.
 * @module
 */

import { drawBlurhash } from "../blurhash.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";

/** @import { Image, Source, UserCard } from "../types.js" */

const JPEG = "image/jpeg";
/** The width that pictures have in a column of posts, and in a grid. */
export const COLUMN = "(min-width: 760px) 600px, 100vw";

/**
 * Return a picture in its own proportions.
 * @param {Image} image
 * @param {{ sizes?: string, eager?: boolean }} [options] `eager`: it is visible at once
 */
export function picture(image, { sizes = COLUMN, eager = false } = {}) {
  const img = h("img", {
    class: "photo",
    alt: image.altText || t("photo"),
    width: image.width,
    height: image.height,
    sizes,
    srcset: srcset(image.sources, JPEG),
    src: image.url,
    decoding: "async",
    loading: eager ? "eager" : "lazy",
    fetchPriority: eager ? "high" : "auto",
  });
  const others = [...new Set(image.sources.map(({ type }) => type))].filter((type) => type !== JPEG);
  const sources = others.map((type) => h("source", { type, sizes, srcset: srcset(image.sources, type) }));
  const frame = h("div", { class: "frame" }, image.blurhash && drawBlurhash(image.blurhash));
  frame.append(h("picture", null, ...sources, img));
  frame.style.setProperty("aspect-ratio", `${image.width} / ${image.height}`);
  return frame;
}

/**
 * Return a square of a grid.
 * @param {Image} image
 */
export function thumbnail(image) {
  const img = h("img", {
    alt: image.altText || t("photo"),
    src: thumbnailUrl(image),
    loading: "lazy",
    decoding: "async",
  });
  return h("div", { class: "frame square" }, image.blurhash && drawBlurhash(image.blurhash), img);
}

/**
 * Return the address of the smallest rendition; old pictures have no square one.
 * @param {Image} image
 */
export function thumbnailUrl(image) {
  return image.thumbnail?.url ?? image.variants.small;
}

/**
 * @param {Source[]} sources
 * @param {string} type
 */
function srcset(sources, type) {
  return sources
    .filter((source) => source.type === type)
    .map(({ url, width }) => `${url} ${width}w`)
    .join(", ");
}

/**
 * Return the avatar of a user, or the first character of the name.
 * @param {Pick<UserCard, "avatarSources" | "avatarUrl" | "fullName" | "username">} user
 * @param {"small" | "medium" | "large"} [size]
 */
export function avatar(user, size = "medium") {
  if (!user.avatarUrl) {
    const letter = [...(user.fullName || user.username)][0]?.toUpperCase();
    return h("span", { class: `avatar ${size}`, "aria-hidden": "true" }, letter);
  }
  const sources = (user.avatarSources ?? []).map(({ url, width }) => `${url} ${width}w`).join(", ");
  const sizes = { small: "32px", medium: "44px", large: "150px" }[size];
  const img = h("img", { src: user.avatarUrl, srcset: sources, sizes, alt: "", loading: "lazy", decoding: "async" });
  return h("span", { class: `avatar ${size}` }, img);
}
