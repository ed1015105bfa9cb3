/**
 * The comments of a post with their replies, and the line to write one.
 * @module
 */

import { api, isMe } from "../api.js";
import { append, fill, h } from "../dom.js";
import { announce } from "../events.js";
import { formatAge, formatTime, t } from "../i18n.js";
import { confirm, openMenu } from "./dialogs.js";
import { icon } from "./icons.js";
import { emptyState, endlessList } from "./lists.js";
import { avatar } from "./pictures.js";
import { report } from "./post-menu.js";
import { attempt, describe } from "./problems.js";
import { foldedText } from "./texts.js";
import { profilePath, userLink } from "./users.js";

/** @import { Comment, Post } from "../types.js" */

/**
 * Return the comments and the form below them.
 * @param {Post} post
 * @param {AbortSignal} signal
 */
export function commentSection(post, signal) {
  const path = { postId: post.id };
  /** @type {Comment | null} */
  let repliesTo = null;
  /** Where replies to a comment stand. @type {Map<string, HTMLElement>} */
  const threads = new Map();
  let commentsCount = post.commentsCount;

  const list = endlessList({
    load: (cursor) => api.get("/posts/{postId}/comments", { path, query: { cursor } }),
    render: (/** @type {Comment} */ comment) => thread(comment),
    empty: () => emptyState(t("no_comments"), t("no_comments_text")),
    signal,
    class: "comments",
  });

  const input = h("textarea", {
    id: "comment",
    name: "content",
    class: "input",
    rows: 1,
    dir: "auto",
    placeholder: t("write_comment"),
    "aria-label": t("write_comment"),
    onkeydown: send,
    oninput: resize,
  });
  const problem = h("p", { class: "form-error", role: "alert" });
  const target = h("div", { class: "reply-target" });
  const button = h("button", { class: "button primary", type: "submit" }, t("send"));
  const writer = h(
    "form",
    { class: "comment-form", onsubmit: submit },
    target,
    h("div", { class: "comment-line" }, input, button),
    problem,
  );

  function resize() {
    input.style.setProperty("height", "auto");
    input.style.setProperty("height", `${Math.min(160, input.scrollHeight)}px`);
  }

  /** @param {KeyboardEvent} event */
  function send(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    writer.requestSubmit();
  }

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const content = input.value.trim();
    if (!content || button.disabled) return;
    button.disabled = true;
    problem.textContent = "";
    try {
      const parentId = repliesTo?.id;
      const comment = await api.post("/posts/{postId}/comments", { path, body: { content, parentId } });
      input.value = "";
      resize();
      const replies = parentId && threads.get(parentId);
      if (replies) replies.append(entry(comment));
      else list.prepend(comment);
      changeCount(1);
      replyTo(null);
    } catch (error) {
      problem.textContent = describe(error); // the text stays in the field
    } finally {
      button.disabled = false;
    }
  }

  /** @param {number} difference */
  function changeCount(difference) {
    commentsCount += difference;
    announce("post", { id: post.id, commentsCount });
  }

  /** @param {Comment | null} comment */
  function replyTo(comment) {
    repliesTo = comment;
    fill(
      target,
      comment && [
        t("replying_to", { name: comment.author.username }),
        h("button", { type: "button", class: "link", onclick: () => replyTo(null) }, t("cancel")),
      ],
    );
    if (comment) input.focus();
  }

  /** @param {Comment} comment */
  function thread(comment) {
    const replies = h("div", { class: "replies" });
    threads.set(comment.id, replies);
    const element = h("div", null, entry(comment, comment), replies);
    if (comment.repliesCount > 0) append(element, [showReplies(comment, replies)]);
    return element;
  }

  /** @param {Comment} comment @param {HTMLElement} replies */
  function showReplies(comment, replies) {
    /** @type {string | null | undefined} */
    let cursor;
    const button = h(
      "button",
      { type: "button", class: "link quiet small", onclick: load },
      t("view_replies", { count: comment.repliesCount }),
    );
    async function load() {
      await attempt(async () => {
        const query = { parentId: comment.id, cursor: cursor ?? undefined };
        const page = await api.get("/posts/{postId}/comments", { path, query });
        if (cursor === undefined) fill(replies);
        append(
          replies,
          page.items.map((reply) => entry(reply, comment)),
        );
        cursor = page.nextCursor;
        if (cursor === null) button.remove();
        else fill(button, t("more_replies"));
      });
    }
    return button;
  }

  /**
   * @param {Comment} comment
   * @param {Comment} [parent] what an answer belongs to
   */
  function entry(comment, parent) {
    const element = h(
      "div",
      { class: "comment" },
      h(
        "a",
        { href: profilePath(comment.author), tabIndex: -1, "aria-hidden": "true" },
        avatar(comment.author, "small"),
      ),
      h(
        "div",
        { class: "row-text" },
        foldedText(comment.content, comment, userLink(comment.author)),
        h(
          "div",
          { class: "comment-actions quiet small" },
          h("time", { title: formatTime(comment.createdAt) }, formatAge(comment.createdAt)),
          comment.likesCount > 0 && h("span", null, t("likes_count", { count: comment.likesCount })),
          comment.pinned && h("span", null, t("pinned")),
          comment.pending &&
            h("button", { type: "button", class: "link", onclick: () => approve(comment) }, t("approve")),
          parent && h("button", { type: "button", class: "link", onclick: () => replyTo(parent) }, t("reply")),
          h(
            "button",
            {
              type: "button",
              class: "link more-dots",
              "aria-label": t("more_actions"),
              onclick: () => actions(comment, element),
            },
            icon("more"),
          ),
        ),
      ),
      likeButton(comment),
    );
    return element;
  }

  /** @param {Comment} comment */
  async function approve(comment) {
    const done = await attempt(() =>
      api.post("/posts/{postId}/comments/{commentId}/approve", { path: { ...path, commentId: comment.id } }),
    );
    if (done) void list.reload();
  }

  /** @param {Comment} comment */
  function likeButton(comment) {
    let { liked } = comment;
    const button = h("button", { type: "button", class: "icon-button small heart", onclick: toggle });
    function show() {
      button.setAttribute("aria-label", t(liked ? "unlike" : "like"));
      button.setAttribute("aria-pressed", String(liked));
      button.classList.toggle("pressed", liked);
      fill(button, icon("heart", { filled: liked }));
    }
    async function toggle() {
      const route = { path: { ...path, commentId: comment.id } };
      liked = !liked;
      show();
      const ok = await attempt(() =>
        liked
          ? api.post("/posts/{postId}/comments/{commentId}/likes", route)
          : api.delete("/posts/{postId}/comments/{commentId}/likes", route),
      );
      if (!ok) {
        liked = !liked;
        show();
      }
    }
    show();
    return button;
  }

  /** @param {Comment} comment @param {HTMLElement} element */
  function actions(comment, element) {
    const mine = isMe(comment.author.id);
    openMenu(t("more_actions"), [
      (mine || isMe(post.author.id)) && { label: t("delete"), danger: true, run: () => remove(comment, element) },
      !mine && { label: t("report"), danger: true, run: () => report("comment", comment.id) },
    ]);
  }

  /** @param {Comment} comment @param {HTMLElement} element */
  async function remove(comment, element) {
    if (!(await confirm(t("delete_comment"), t("delete_comment_text"), t("delete")))) return;
    if (
      await attempt(() =>
        api.delete("/posts/{postId}/comments/{commentId}", { path: { ...path, commentId: comment.id } }),
      )
    ) {
      element.remove();
      changeCount(-1);
    }
  }

  return h(
    "section",
    { id: "comments", class: "comment-section", "aria-label": t("comments") },
    list.element,
    post.commentsEnabled ? writer : h("p", { class: "quiet center" }, t("comments_off")),
  );
}
