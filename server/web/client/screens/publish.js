/**
 * A new post, now, later or as a draft; a draft; and the edit of a post.
 * @module
 */

import { ApiError } from "../../sdk/index.js";
import { api, getConfig } from "../api.js";
import { h } from "../dom.js";
import { announce } from "../events.js";
import { formatTime, t } from "../i18n.js";
import { showMessage } from "../components/dialogs.js";
import { icon } from "../components/icons.js";
import { contentOf, EMPTY, mediaOf, placeOf, postEditor } from "../components/post-editor.js";
import { chooseTime, forgetExtras, hasExtras, keepExtras, withExtras } from "../components/schedule.js";

/** @import { Place, Screen } from "../router.js" */
/** @import { Post } from "../types.js" */
/** @import { Content, Editor } from "../components/post-editor.js" */

/**
 * A new post, or with `?draft=` a draft.
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function publishScreen({ query, signal }) {
  const draftId = query.get("draft");
  const draft = draftId ? await api.get("/posts/{postId}", { path: { postId: draftId } }) : null;
  if (draft?.status === "published") announce("navigate", { path: `/p/${draft.id}` }); // at its time
  const { maxScheduleDays } = await getConfig();
  const scheduled = draft?.status === "scheduled";
  const { element, restored } = await postEditor({
    post: draft,
    content: draft ? withExtras(draft.id, await contentOf(draft)) : EMPTY,
    storedAs: draft ? `photofeed.typed.${draft.id}` : "photofeed.new",
    action: t(draft ? "publish_now" : "publish"),
    submit: publish,
    others: [
      { action: t(scheduled ? "change_time" : "schedule_later"), submit: schedule },
      { action: t(scheduled ? "save_changes" : "save_draft"), submit: saveDraft },
    ],
    signal,
  });

  /** @param {Editor} editor */
  async function publish(editor) {
    const content = await editor.content();
    const media = mediaOf(content.pictures);
    const options = optionsOf(content);
    const post = draft
      ? await api.patch("/posts/{postId}", {
          path: { postId: draft.id },
          body: { status: "published", media, ...options, ...placeOf(content.place) },
        })
      : await api.post("/posts", { body: { media, ...options, ...placeOf(content.place) } });
    if (draft) forgetExtras(draft.id);
    editor.forget();
    announce("published", post);
    announce("profile", {});
    showMessage(t("published"));
    announce("navigate", { path: "/" });
  }

  /** @param {Editor} editor */
  async function saveDraft(editor) {
    const content = await editor.content();
    await save(content, scheduled ? {} : { status: "draft" });
    editor.forget();
    showMessage(t(scheduled ? "saved_changes" : "draft_saved"));
    announce("navigate", { path: scheduled ? "/app/drafts?show=scheduled" : "/app/drafts" });
  }

  /** @param {Editor} editor */
  async function schedule(editor) {
    const content = await editor.content();
    const note = hasExtras(content) ? t("schedule_without_extras") : null;
    chooseTime({ at: draft?.publishAt, maxDays: maxScheduleDays, note }, async (publishAt) => {
      await save(content, { publishAt });
      editor.forget();
      showMessage(t("scheduled_for", { time: formatTime(publishAt) }));
      announce("navigate", { path: "/app/drafts?show=scheduled" });
    });
  }

  /**
   * @param {Content} content
   * @param {{ status?: "draft", publishAt?: string }} state
   */
  async function save(content, state) {
    const media = content.pictures.map(({ id, altText }) => ({ id, altText }));
    const body = { ...optionsOf(content), media, ...state };
    const saved = draft
      ? await api.patch("/posts/{postId}", { path: { postId: draft.id }, body })
      : await api.post("/posts", { body });
    keepExtras(saved.id, content);
  }

  const title = t(scheduled ? "scheduled_post" : draft ? "draft" : "new_post");
  const drafts = h("a", { class: "button", href: "/app/drafts" }, icon("clock"), t("drafts"));
  return {
    element: h(
      "div",
      { class: "column" },
      h("div", { class: "section-head flush" }, h("h1", null, title), drafts),
      restored && h("p", { class: "notice", role: "status" }, t("restored")),
      draft?.publishAt && h("p", { class: "notice" }, t("scheduled_for", { time: formatTime(draft.publishAt) })),
      draft?.problem && h("p", { class: "notice error" }, draft.problem.detail),
      element,
    ),
    title,
  };
}

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function editPostScreen({ parameters, signal }) {
  const path = { postId: parameters.id ?? "" };
  const post = await api.get("/posts/{postId}", { path });
  const before = await contentOf(post);
  const { element, restored } = await postEditor({
    post,
    content: before,
    storedAs: `photofeed.edit.${post.id}`,
    action: t("save_changes"),
    submit: save,
    others: [{ action: t("cancel"), submit: leave }],
    signal,
  });

  /** @param {Editor} editor */
  async function save(editor) {
    const body = changesOf(post, before, await editor.content());
    try {
      if (body) announce("post", await api.patch("/posts/{postId}", { path, body }));
    } catch (error) {
      if (error instanceof ApiError && error.code === "edited_in_between") post.editedAt = await newestEdit();
      throw error;
    }
    editor.forget();
    announce("profile", {});
    showMessage(t("saved_changes"));
    announce("navigate", { path: `/p/${post.id}` });
  }

  /** A second try overwrites the edit that came in between, which the message has named. */
  async function newestEdit() {
    return (await api.get("/posts/{postId}", { path })).editedAt;
  }

  /** @param {Editor} editor */
  async function leave(editor) {
    editor.forget();
    announce("navigate", { path: `/p/${post.id}` });
  }

  return {
    element: h(
      "div",
      { class: "column" },
      h("h1", null, t("edit_post")),
      restored && h("p", { class: "notice", role: "status" }, t("restored")),
      element,
    ),
    title: t("edit_post"),
  };
}

/**
 * Return the body of an edit with what has changed; null if nothing has.
 * @param {Post} post
 * @param {Content} before
 * @param {Content} after
 */
function changesOf(post, before, after) {
  /** @param {unknown} one @param {unknown} other */
  const differs = (one, other) => JSON.stringify(one) !== JSON.stringify(other);
  const old = optionsOf(before);
  const changed = Object.entries(optionsOf(after)).filter(
    ([name, value]) => old[/** @type {never} */ (name)] !== value,
  );
  const media = mediaOf(after.pictures);
  const samePlace = !differs(before.place, after.place);
  const body = {
    .../** @type {Partial<typeof old>} */ (Object.fromEntries(changed)),
    ...(differs(mediaOf(before.pictures), media) && { media }),
    ...(!samePlace && (after.place ? placeOf(after.place) : { place: null })),
  };
  return Object.keys(body).length ? { ...body, ifEditedAt: post.editedAt } : null;
}

/** @param {Content} content */
function optionsOf({ caption, audience, hideLikeCount, commentsEnabled }) {
  return { caption, audience, hideLikeCount, commentsEnabled };
}
