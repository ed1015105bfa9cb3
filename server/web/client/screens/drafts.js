/**
 * Drafts, and posts that are scheduled.
 * @module
 */

import { api, getConfig } from "../api.js";
import { h } from "../dom.js";
import { announce } from "../events.js";
import { formatAge, formatTime, t } from "../i18n.js";
import { confirm, openMenu, showMessage } from "../components/dialogs.js";
import { icon } from "../components/icons.js";
import { emptyState, endlessList } from "../components/lists.js";
import { thumbnail } from "../components/pictures.js";
import { attempt } from "../components/problems.js";
import { chooseTime, forgetExtras } from "../components/schedule.js";
import { tabPanels } from "../components/tabs.js";

/** @import { Place, Screen } from "../router.js" */
/** @import { Post } from "../types.js" */

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function draftsScreen({ query, signal }) {
  /** @type {{ reload: () => unknown }[]} */
  const lists = [];
  const reload = () => lists.forEach((list) => void list.reload());

  /** @param {"draft" | "scheduled"} status */
  function panel(status) {
    const list = endlessList({
      load: (cursor) => api.get("/posts", { query: { status, cursor } }),
      render: (post) => row(post, reload),
      empty: () =>
        status === "draft"
          ? emptyState(t("no_drafts"), t("no_drafts_text"))
          : emptyState(t("no_scheduled"), t("no_scheduled_text")),
      signal,
    });
    lists.push(list);
    return list.element;
  }

  const tabs = [
    { label: t("drafts"), panel: () => panel("draft") },
    { label: t("scheduled"), panel: () => panel("scheduled") },
  ];
  let stale = false;
  return {
    element: h(
      "div",
      { class: "column" },
      h(
        "div",
        { class: "section-head flush" },
        h("h1", null, t("drafts")),
        h("a", { class: "button", href: "/app/publish" }, icon("plus"), t("new_post")),
      ),
      tabPanels(tabs, query.get("show") === "scheduled" ? 1 : 0),
    ),
    title: t("drafts"),
    shown: () => {
      if (stale) reload();
      stale = true;
    },
  };
}

/**
 * @param {Post} post
 * @param {() => void} reload
 */
function row(post, reload) {
  const { id, caption, images, publishAt, createdAt, problem } = post;
  const [first] = images;
  const href = `/app/publish?draft=${id}`;
  const title = caption || t("no_caption");
  const note = publishAt ? t("scheduled_for", { time: formatTime(publishAt) }) : formatAge(createdAt);
  return h(
    "div",
    { class: "row" },
    h("a", { href, class: "row-picture", tabIndex: -1, "aria-hidden": "true" }, first && thumbnail(first)),
    h(
      "div",
      { class: "row-text" },
      h("a", { class: "name", href, dir: "auto" }, title),
      h("span", { class: "quiet small" }, note),
      problem && h("span", { class: "error small" }, problem.detail),
    ),
    h(
      "button",
      {
        type: "button",
        class: "icon-button more-dots",
        "aria-label": `${t("more_actions")}: ${title}`,
        onclick: () => openActions(post, reload),
      },
      icon("more"),
    ),
  );
}

/**
 * @param {Post} post
 * @param {() => void} reload
 */
function openActions({ id, status, publishAt }, reload) {
  const path = { postId: id };
  const scheduled = status === "scheduled";

  async function schedule() {
    const { maxScheduleDays } = await getConfig();
    chooseTime({ at: publishAt, maxDays: maxScheduleDays }, async (time) => {
      await api.patch("/posts/{postId}", { path, body: { publishAt: time } });
      showMessage(t("scheduled_for", { time: formatTime(time) }));
      reload();
    });
  }

  async function unschedule() {
    if (!(await attempt(() => api.patch("/posts/{postId}", { path, body: { publishAt: null } })))) return;
    showMessage(t("schedule_cancelled"));
    reload();
  }

  async function remove() {
    if (!(await confirm(t("delete_draft"), t("delete_draft_text"), t("delete")))) return;
    if (!(await attempt(() => api.delete("/posts/{postId}", { path })))) return;
    forgetExtras(id);
    showMessage(t("draft_deleted"));
    reload();
  }

  openMenu(t("more_actions"), [
    { label: t("edit"), run: () => announce("navigate", { path: `/app/publish?draft=${id}` }) },
    { label: t(scheduled ? "change_time" : "schedule_later"), run: schedule },
    scheduled && { label: t("cancel_schedule"), run: unschedule },
    { label: t("delete"), danger: true, run: remove },
  ]);
}
