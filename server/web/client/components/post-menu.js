/**
 * What can be done with a post besides liking and saving it: edit, pin, archive, delete, report, hide its author.
 * @module
 */

import { api, isMe } from "../api.js";
import { h } from "../dom.js";
import { announce } from "../events.js";
import { t } from "../i18n.js";
import { chooseCollections } from "./collections.js";
import { confirm, openDialog, openMenu, showMessage } from "./dialogs.js";
import { field, form } from "./forms.js";
import { attempt } from "./problems.js";
import { block, mute, restrict } from "./relations.js";

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
  const { author, id } = post;
  const tagged = post.images.some(({ tags }) => tags.some(({ userId }) => isMe(userId)));
  openMenu(
    t("more_actions"),
    isMe(author.id)
      ? ownItems(post)
      : [
          { label: t("add_to_collection"), run: () => chooseCollections(post) },
          tagged && { label: t("remove_own_tag"), run: () => removeOwnTag(post) },
          { label: t("mute_user", { name: author.username }), run: () => mute(author) },
          { label: t("restrict_user", { name: author.username }), run: () => restrict(author) },
          { label: t("block_user", { name: author.username }), danger: true, run: () => block(author) },
          { label: t("report"), danger: true, run: () => report("post", id) },
        ],
  );
}

/** @param {Post} post */
function ownItems(post) {
  const { id, pinned, commentsEnabled, hideLikeCount, status, editedAt } = post;
  const archived = status === "archived";
  return [
    { label: t("edit"), run: () => announce("navigate", { path: `/app/posts/${id}/edit` }) },
    editedAt && {
      label: t("edit_history"),
      run: () => announce("navigate", { path: `/app/posts/${id}/history` }),
    },
    !archived && { label: t(pinned ? "unpin_from_profile" : "pin_to_profile"), run: () => pin(post) },
    {
      label: t(hideLikeCount ? "show_like_count" : "hide_like_count"),
      run: () => change(post, { hideLikeCount: !hideLikeCount }),
    },
    {
      label: t(commentsEnabled ? "turn_comments_off" : "turn_comments_on"),
      run: () => change(post, { commentsEnabled: !commentsEnabled }),
    },
    { label: t("add_to_collection"), run: () => chooseCollections(post) },
    { label: t(archived ? "restore" : "archive"), run: () => archive(post) },
    { label: t("delete"), danger: true, run: () => deletePost(post) },
  ].filter((item) => item !== null && item !== false && item !== "");
}

/**
 * @param {Post} post
 * @param {{ hideLikeCount?: boolean, commentsEnabled?: boolean }} body
 */
async function change(post, body) {
  const path = { postId: post.id };
  if (await attempt(async () => announce("post", await api.patch("/posts/{postId}", { path, body })))) {
    showMessage(t("saved_changes"));
  }
}

/** @param {Post} post */
async function pin({ id, pinned }) {
  const path = { postId: id };
  const done = await attempt(() =>
    pinned ? api.delete("/posts/{postId}/pin", { path }) : api.post("/posts/{postId}/pin", { path }),
  );
  if (!done) return;
  announce("post", { id, pinned: !pinned });
  announce("profile", {});
  showMessage(t(pinned ? "post_unpinned" : "post_pinned"));
}

/** @param {Post} post */
async function archive({ id, status }) {
  const archived = status === "archived";
  const path = { postId: id };
  const body = /** @type {const} */ ({ status: archived ? "published" : "archived" });
  if (!(await attempt(() => api.patch("/posts/{postId}", { path, body })))) return;
  announce("postMoved", { id, status: body.status });
  announce("profile", {});
  const undo = { label: t("undo"), run: () => archive(/** @type {Post} */ ({ id, status: body.status })) };
  showMessage(t(archived ? "post_restored" : "post_archived"), undo);
}

/** @param {Post} post */
async function removeOwnTag({ id }) {
  if (!(await confirm(t("remove_own_tag"), t("remove_own_tag_text"), t("remove")))) return;
  const path = { postId: id };
  await attempt(async () => {
    await api.delete("/posts/{postId}/tags", { path });
    announce("post", await api.get("/posts/{postId}", { path }));
    showMessage(t("own_tag_removed"));
  });
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
