/**
 * What can be done with a post besides liking and saving it: edit, delete, report, hide its author.
 * @module
 */

import { api, isMe } from "../api.js";
import { h } from "../dom.js";
import { announce } from "../events.js";
import { t } from "../i18n.js";
import { confirm, openDialog, openMenu, showMessage } from "./dialogs.js";
import { field, form } from "./forms.js";
import { thumbnailUrl } from "./pictures.js";
import { attempt } from "./problems.js";

/** @import { Post } from "../types.js" */

const REASONS = /** @type {const} */ ([
  "spam",
  "nudity",
  "hate",
  "violence",
  "harassment",
  "self_harm",
  "illegal",
  "impersonation",
  "other",
]);

/** @param {Post} post */
export function openPostMenu(post) {
  const path = { postId: post.id };
  const { author } = post;
  openMenu(
    t("more_actions"),
    isMe(author.id)
      ? [
          { label: t("edit"), run: () => editPost(post) },
          { label: t("delete"), danger: true, run: () => deletePost(post) },
        ]
      : [
          { label: t("mute_user", { name: author.username }), run: () => mute(author) },
          { label: t("block_user", { name: author.username }), danger: true, run: () => block(author) },
          { label: t("report"), danger: true, run: () => report("post", path.postId) },
        ],
  );
}

/** @param {Post} post */
function editPost(post) {
  openDialog(t("edit_post"), (close) => [
    form(
      {
        action: t("save_changes"),
        submit: async (values) => {
          const altTexts = post.images.map((image, index) => values[`alt-${index}`] ?? image.altText);
          const body = { caption: values.caption ?? "", altTexts };
          announce("post", await api.patch("/posts/{postId}", { path: { postId: post.id }, body }));
          close();
        },
      },
      field(t("caption"), "caption", { multiline: true, value: post.caption, rows: 5, dir: "auto" }),
      post.images.map((image, index) =>
        h(
          "div",
          { class: "alt-row" },
          h("img", { src: thumbnailUrl(image), alt: "" }),
          field(t("alt_text"), `alt-${index}`, { value: image.altText, dir: "auto" }),
        ),
      ),
    ),
  ]);
}

/** @param {Post} post */
async function deletePost(post) {
  if (!(await confirm(t("delete_post"), t("delete_post_text"), t("delete")))) return;
  if (await attempt(() => api.delete("/posts/{postId}", { path: { postId: post.id } }))) {
    announce("postDeleted", { id: post.id });
    announce("profile", {});
    showMessage(t("post_deleted"));
  }
}

/** @param {{ id: string, username: string }} user */
export async function mute(user) {
  if (await attempt(() => api.post("/users/{userId}/mute", { path: { userId: user.id } }))) {
    showMessage(t("muted_message", { name: user.username }));
  }
}

/** @param {{ id: string, username: string }} user */
export async function block(user) {
  const title = t("block_user", { name: user.username });
  if (!(await confirm(title, t("block_text"), t("block")))) return false;
  const ok = await attempt(() => api.post("/users/{userId}/block", { path: { userId: user.id } }));
  if (ok) showMessage(t("blocked_message", { name: user.username }));
  return ok;
}

/**
 * Ask for the reason and send a report.
 * @param {"post" | "comment" | "user"} subjectType
 * @param {string} subjectId
 */
export function report(subjectType, subjectId) {
  openDialog(t("report"), (close) => [
    form(
      {
        action: t("send_report"),
        submit: async ({ reason, comment }) => {
          const body = {
            subjectType,
            subjectId,
            reason: /** @type {(typeof REASONS)[number]} */ (reason),
            comment: comment ?? "",
          };
          await api.post("/reports", { body });
          close();
          showMessage(t("report_sent"));
        },
      },
      h(
        "fieldset",
        { class: "choices" },
        h("legend", null, t("report_why")),
        REASONS.map((reason, index) =>
          h(
            "label",
            null,
            h("input", { type: "radio", name: "reason", value: reason, checked: index === 0 }),
            h("span", null, t(`reason.${reason}`)),
          ),
        ),
      ),
      field(t("report_comment"), "comment", { multiline: true, rows: 2, dir: "auto" }),
    ),
  ]);
}
