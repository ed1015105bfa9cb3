/**
 * The comments of a post with their replies, and the line to write one.
 * @module
 */

import { api } from "../api.js";
import { append, fill, h } from "../dom.js";
import { announce, onChange } from "../events.js";
import { t } from "../i18n.js";
import { commentEntry } from "./comment.js";
import { emptyState, endlessList } from "./lists.js";
import { attempt, describe } from "./problems.js";

/** @import { Comment, Post } from "../types.js" */

/**
 * Return the comments and the form below them.
 * @param {Post} post
 * @param {AbortSignal} signal
 */
export function commentSection(post, signal) {
  const path = { postId: post.id };
  const typed = `photofeed.comment.${post.id}`;
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
    oninput: () => {
      sessionStorage.setItem(typed, input.value);
      resize();
    },
  });
  input.value = sessionStorage.getItem(typed) ?? "";
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
      sessionStorage.removeItem(typed);
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
    return commentEntry(comment, {
      post,
      reply: parent && (() => replyTo(parent)),
      reload: () => void list.reload(),
      removed: () => changeCount(-1),
    });
  }

  const off = h("p", { class: "quiet center" }, t("comments_off"));
  /** @param {boolean} enabled */
  function showWriter(enabled) {
    writer.hidden = !enabled;
    off.hidden = enabled;
  }
  showWriter(post.commentsEnabled);
  onChange("post", signal, ({ id, commentsEnabled }) => {
    if (id !== post.id || commentsEnabled === undefined || commentsEnabled === !writer.hidden) return;
    showWriter(commentsEnabled);
    void list.reload();
  });

  return h(
    "section",
    { id: "comments", class: "comment-section", "aria-label": t("comments") },
    list.element,
    writer,
    off,
  );
}
