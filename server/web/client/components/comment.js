/**
 * One comment: its text, and what its reader, its author and the author of the post can do with it.
 * @module
 */

import { api, isMe } from "../api.js";
import { fill, h } from "../dom.js";
import { formatAge, formatTime, t } from "../i18n.js";
import { confirm, openMenu, showMessage } from "./dialogs.js";
import { icon } from "./icons.js";
import { avatar } from "./pictures.js";
import { report } from "./post-menu.js";
import { attempt, describe } from "./problems.js";
import { restrict } from "./relations.js";
import { foldedText } from "./texts.js";
import { profilePath, userLink } from "./users.js";

/** @import { Comment, Post } from "../types.js" */

/**
 * @typedef {object} CommentOptions
 * @property {Pick<Post, "id" | "author">} post
 * @property {(comment: Comment) => void} [reply] left out where there are no replies
 * @property {() => unknown} reload the comments, whose order has changed
 * @property {() => void} removed
 */

/**
 * Return a comment.
 * @param {Comment} comment
 * @param {CommentOptions} options
 */
export function commentEntry(comment, { post, reply, reload, removed }) {
  let current = comment;
  const path = { postId: post.id, commentId: comment.id };
  const body = h("div", { class: "row-text" });
  const mine = isMe(comment.author.id);
  const onOwnPost = isMe(post.author.id);
  const element = h(
    "div",
    { class: "comment" },
    h("a", { href: profilePath(comment.author), tabIndex: -1, "aria-hidden": "true" }, avatar(comment.author, "small")),
    body,
    likeButton(),
  );

  function show() {
    const { author, content, likesCount, createdAt, editedAt, pinned, pending } = current;
    fill(
      body,
      foldedText(content, current, userLink(author)),
      pending && h("p", { class: "badge" }, t("pending_comment", { name: author.username })),
      h(
        "div",
        { class: "comment-actions quiet small" },
        h("time", { title: formatTime(createdAt) }, formatAge(createdAt)),
        editedAt && h("span", { title: formatTime(editedAt) }, t("edited")),
        likesCount > 0 &&
          h(
            "a",
            { href: `/app/posts/${post.id}/comments/${comment.id}/likes` },
            t("likes_count", { count: likesCount }),
          ),
        pinned && h("span", { class: "with-icon" }, icon("pushpin"), t("pinned")),
        pending && [action(t("approve"), approve), action(t("delete"), remove)],
        !pending && reply && action(t("reply"), () => reply(current)),
        h(
          "button",
          {
            type: "button",
            class: "link more-dots",
            "aria-label": t("actions_of_comment", { name: author.username }),
            onclick: openActions,
          },
          icon("more"),
        ),
      ),
    );
  }

  function openActions() {
    const { author, pinned, pending } = current;
    openMenu(t("more_actions"), [
      mine && { label: t("edit"), run: edit },
      onOwnPost && !!reply && !current.parentId && !pending && { label: t(pinned ? "unpin" : "pin"), run: togglePin },
      onOwnPost && !mine && { label: t("restrict_user", { name: author.username }), run: () => restrict(author) },
      (mine || onOwnPost) && { label: t("delete"), danger: true, run: remove },
      !mine && { label: t("report"), danger: true, run: () => report("comment", comment.id) },
    ]);
  }

  function edit() {
    const input = h("textarea", {
      class: "input",
      rows: 3,
      dir: "auto",
      "aria-label": t("edit_comment"),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Escape") show();
      },
    });
    input.value = current.content;
    const problem = h("p", { class: "form-error", role: "alert" });
    const save = h("button", { type: "submit", class: "button primary" }, t("save_changes"));
    fill(
      body,
      h(
        "form",
        {
          class: "form",
          onsubmit: async (/** @type {Event} */ event) => {
            event.preventDefault();
            save.disabled = true;
            try {
              const content = input.value.trim();
              current = await api.patch("/posts/{postId}/comments/{commentId}", { path, body: { content } });
              show();
            } catch (error) {
              problem.textContent = describe(error); // the text stays in the field
              save.disabled = false;
            }
          },
        },
        input,
        problem,
        h(
          "div",
          { class: "buttons start" },
          save,
          h("button", { type: "button", class: "button quiet", onclick: show }, t("cancel")),
        ),
      ),
    );
    input.focus();
  }

  async function togglePin() {
    const done = await attempt(() =>
      current.pinned
        ? api.delete("/posts/{postId}/comments/{commentId}/pin", { path })
        : api.post("/posts/{postId}/comments/{commentId}/pin", { path }),
    );
    if (!done) return;
    showMessage(t(current.pinned ? "comment_unpinned" : "comment_pinned"));
    reload();
  }

  async function approve() {
    if (!(await attempt(() => api.post("/posts/{postId}/comments/{commentId}/approve", { path })))) return;
    current = { ...current, pending: false };
    show();
    showMessage(t("comment_approved"));
  }

  async function remove() {
    if (!(await confirm(t("delete_comment"), t("delete_comment_text"), t("delete")))) return;
    if (await attempt(() => api.delete("/posts/{postId}/comments/{commentId}", { path }))) {
      element.remove();
      removed();
    }
  }

  function likeButton() {
    const button = h("button", { type: "button", class: "icon-button small heart", onclick: toggle });
    function update() {
      const { liked, author } = current;
      button.setAttribute("aria-label", t("like_comment", { name: author.username }));
      button.setAttribute("aria-pressed", String(liked));
      button.classList.toggle("pressed", liked);
      fill(button, icon("heart", { filled: liked }));
    }
    /** @param {boolean} liked */
    function count(liked) {
      current = { ...current, liked, likesCount: Math.max(0, current.likesCount + (liked ? 1 : -1)) };
      update();
      show();
    }
    async function toggle() {
      const liked = !current.liked;
      count(liked);
      const done = await attempt(() =>
        liked
          ? api.post("/posts/{postId}/comments/{commentId}/likes", { path })
          : api.delete("/posts/{postId}/comments/{commentId}/likes", { path }),
      );
      if (!done) count(!liked);
    }
    update();
    return button;
  }

  show();
  return element;
}

/**
 * @param {string} label
 * @param {() => unknown} run
 */
function action(label, run) {
  return h("button", { type: "button", class: "link", onclick: run }, label);
}
