/**
 * A post in the feed and on its page, and the grid of posts on a profile.
 * @module
 */

import { api, isMe } from "../api.js";
import { fill, h } from "../dom.js";
import { announce, onChange } from "../events.js";
import { formatAge, formatCount, formatTime, parts, t } from "../i18n.js";
import { carousel } from "./carousel.js";
import { showMessage } from "./dialogs.js";
import { icon } from "./icons.js";
import { avatar, thumbnail } from "./pictures.js";
import { attempt } from "./problems.js";
import { taggedPeople } from "./tagged-people.js";
import { foldedText } from "./texts.js";
import { profilePath, userLink } from "./users.js";

/** @import { Post } from "../types.js" */

/** @param {Pick<Post, "id">} post */
export function postPath({ id }) {
  return `/p/${id}`;
}

/**
 * Return a post.
 * @param {Post} post
 * @param {AbortSignal} signal
 * @param {{ eager?: boolean, page?: boolean }} [options] `page`: it is the page of the post
 */
export function postCard(post, signal, { eager = false, page = false } = {}) {
  let current = post;
  const actions = h("div", { class: "post-actions" });
  const counts = h("div", { class: "post-counts" });
  const caption = h("div");
  const details = h("div", { class: "quiet small" });
  const frame = h("div", { class: "post-frame", ondblclick: () => like(true) });
  const head = h("div", { class: "row-text" });
  const audience = h("span", { class: "badge" });
  let shownImages = "";

  /** Show the pictures, which an edit may have changed. */
  function showPictures() {
    const { images } = current;
    const version = JSON.stringify(images.map(({ id, altText, tags }) => [id, altText, tags]));
    if (version === shownImages) return;
    shownImages = version;
    /** @type {Map<string, HTMLElement>} */
    const frames = new Map();
    fill(frame, carousel(images, { eager, frames }), taggedPeople(current, frames));
  }

  function show() {
    showPictures();
    fill(head, userLink(post.author), place(current));
    audience.hidden = current.audience === "public";
    fill(audience, t(`audience.${current.audience}`));
    const { liked, saved, likesCount, commentsCount, author } = current;
    fill(
      actions,
      action(liked ? "unlike" : "like", "heart", liked, () => like(!liked)),
      h(
        "a",
        {
          class: "icon-button",
          href: `${postPath(post)}#comments`,
          "aria-label": t("comments"),
          onclick: focusComments,
        },
        icon("comment"),
      ),
      action("share", "share", false, () => share(current)),
      h("span", { class: "grow" }),
      action(saved ? "unsave" : "save", "bookmark", saved, () => save(!saved)),
    );
    fill(counts, likers(current));
    fill(caption, current.caption && foldedText(current.caption, current, userLink(author)));
    fill(
      details,
      !page &&
        commentsCount > 0 &&
        h("a", { class: "quiet block", href: postPath(post) }, t("view_comments", { count: commentsCount })),
      h(
        "a",
        { class: "quiet", href: postPath(post), title: formatTime(post.createdAt) },
        h("time", { dateTime: post.createdAt }, formatAge(post.createdAt)),
      ),
      current.editedAt && [" · ", h("a", { class: "quiet", href: `/app/posts/${post.id}/history` }, t("edited"))],
    );
  }

  /** The menu and the collections are loaded when they are asked for, so that the feed needs less code. */
  async function openMenu() {
    await attempt(async () => (await import("./post-menu.js")).openPostMenu(current));
  }

  async function openCollections() {
    await attempt(async () => (await import("./collections.js")).chooseCollections(post));
  }

  /** @param {MouseEvent} event */
  function focusComments(event) {
    if (!page) return;
    event.preventDefault();
    document.getElementById("comment")?.focus();
  }

  /** @param {boolean} liked */
  async function like(liked) {
    if (liked === current.liked) return burst();
    const { liked: before, likesCount } = current;
    if (liked) burst();
    announce("post", {
      id: post.id,
      liked,
      likesCount: likesCount === null ? null : likesCount + (liked ? 1 : -1),
    });
    const path = { postId: post.id };
    const ok = await attempt(async () => {
      const answer = liked
        ? await api.post("/posts/{postId}/likes", { path })
        : await api.delete("/posts/{postId}/likes", { path });
      announce("post", { id: post.id, ...answer });
    });
    if (!ok) announce("post", { id: post.id, liked: before, likesCount });
  }

  function burst() {
    const heart = h("span", { class: "burst", "aria-hidden": "true" }, icon("heart", { filled: true }));
    heart.addEventListener("animationend", () => heart.remove());
    frame.append(heart);
  }

  /** @param {boolean} saved */
  async function save(saved) {
    announce("post", { id: post.id, saved });
    const path = { postId: post.id };
    const ok = await attempt(() =>
      saved ? api.post("/posts/{postId}/save", { path }) : api.delete("/posts/{postId}/save", { path }),
    );
    if (!ok) announce("post", { id: post.id, saved: !saved });
    else if (saved) {
      showMessage(t("saved_message"), { label: t("add_to_collection"), run: openCollections });
    }
  }

  onChange("post", signal, (changed) => {
    if (changed.id !== post.id) return;
    current = { ...current, ...changed };
    show();
  });
  onChange("postDeleted", signal, ({ id }) => id === post.id && element.remove());
  onChange("postMoved", signal, ({ id, status }) => {
    if (id !== post.id) return;
    current = { ...current, status, pinned: false };
    if (page) show();
    else element.hidden = status === "archived";
  });
  show();

  const element = h(
    "article",
    { class: "post", "aria-label": t("post_by", { name: post.author.username }) },
    h(
      "header",
      { class: "post-head" },
      h("a", { href: profilePath(post.author), tabIndex: -1, "aria-hidden": "true" }, avatar(post.author, "small")),
      head,
      audience,
      h(
        "button",
        {
          type: "button",
          class: "icon-button more-dots",
          "aria-label": t("more_actions"),
          onclick: openMenu,
        },
        icon("more"),
      ),
    ),
    frame,
    h("div", { class: "post-body" }, actions, counts, caption, details),
  );
  return element;
}

/** @param {Post} post */
function place({ place: found }) {
  return found && h("a", { class: "quiet small", href: `/app/places/${found.id}`, dir: "auto" }, found.name);
}

/**
 * Return who likes a post, without the number if its author hides it.
 * @param {Post} post
 */
function likers({ id, likesCount, likedBy = [] }) {
  const href = `/app/posts/${id}/likes`;
  const [first] = likedBy;
  if (likesCount === null) return first && h("span", null, parts("liked_by", { name: userLink(first) }));
  if (!first) return likesCount > 0 && h("a", { class: "strong", href }, t("likes_count", { count: likesCount }));
  const others = likesCount - 1;
  const link = h("a", { class: "strong", href }, t("others_count", { count: others }));
  const key = others > 0 ? "liked_by_and_others" : "liked_by";
  return h("span", null, parts(key, { name: userLink(first), others: link }));
}

/**
 * @param {"like" | "unlike" | "save" | "unsave" | "share"} label
 * @param {import("./icons.js").IconName} name
 * @param {boolean} pressed
 * @param {() => unknown} run
 */
function action(label, name, pressed, run) {
  const kind = pressed ? `icon-button pressed ${name}` : `icon-button ${name}`;
  return h(
    "button",
    { type: "button", class: kind, "aria-label": t(label), "aria-pressed": String(pressed), onclick: run },
    icon(name, { filled: pressed }),
  );
}

/** @param {Post} post */
async function share(post) {
  const url = post.shareUrl ?? new URL(postPath(post), location.href).href;
  if (navigator.share) return navigator.share({ url }).catch(() => {});
  await navigator.clipboard.writeText(url);
  showMessage(t("link_copied"));
}

/** @param {Post} post */
function gridLabel({ author, pinned }) {
  const label = t("post_by", { name: author.username });
  return pinned ? `${t("pinned")}: ${label}` : label;
}

/**
 * Return a square of a grid that links to a post.
 * @param {Post} post
 */
export function gridItem(post) {
  const [first] = post.images;
  return h(
    "a",
    { class: "grid-item", href: postPath(post), "aria-label": gridLabel(post) },
    first && thumbnail(first),
    (post.pinned || post.images.length > 1) &&
      h("span", { class: "corner" }, post.pinned && icon("pushpin"), post.images.length > 1 && icon("stack")),
    h(
      "span",
      { class: "grid-counts" },
      post.likesCount !== null && h("span", null, icon("heart", { filled: true }), formatCount(post.likesCount)),
      h("span", null, icon("comment", { filled: true }), formatCount(post.commentsCount)),
    ),
  );
}
