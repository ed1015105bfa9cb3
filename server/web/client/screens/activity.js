/**
 * Activity: notifications as they arrive, requests to follow, and tags that wait for one's approval.
 * @module
 */

import { api } from "../api.js";
import { h } from "../dom.js";
import { formatAge, formatTime, hasText, parts, t } from "../i18n.js";
import { live, setUnread } from "../live.js";
import { showMessage } from "../components/dialogs.js";
import { emptyState, endlessList } from "../components/lists.js";
import { avatar, thumbnail } from "../components/pictures.js";
import { attempt } from "../components/problems.js";
import { followButton, profilePath, userLink, userRow } from "../components/users.js";

/** @import { Key } from "../i18n.js" */
/** @import { Place, Screen } from "../router.js" */
/** @import { Notification, Post, RelatedUser } from "../types.js" */

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function activityScreen({ signal }) {
  const list = endlessList({
    load: async (cursor) => {
      const page = await api.get("/notifications", { query: { cursor, limit: 30 } });
      const [newest] = page.items;
      if (cursor === undefined && newest) void markRead(newest.id);
      return page;
    },
    render: (notification) => row(notification, signal),
    empty: () => emptyState(t("no_activity"), t("no_activity_text")),
    signal,
  });
  live.addEventListener(
    "notification",
    (event) => {
      const notification = /** @type {CustomEvent<Notification>} */ (event).detail;
      list.items.querySelector(`[data-id="${CSS.escape(notification.id)}"]`)?.remove();
      list.prepend(notification);
      if (list.items.checkVisibility()) void markRead(notification.id);
    },
    { signal },
  );
  live.addEventListener("reset", () => void list.reload(), { signal });
  const requests = h(
    "a",
    { class: "row", href: "/app/requests", hidden: true },
    h("span", { class: "name" }, t("follow_requests")),
  );
  api.get("/follow-requests", { query: { limit: 1 } }).then(
    ({ items }) => (requests.hidden = items.length === 0),
    () => {},
  );
  const tagged = h(
    "a",
    { class: "row", href: "/app/tagged", hidden: true },
    h("span", { class: "name" }, t("tag_requests")),
  );
  api.get("/tags/pending", { query: { limit: 1 } }).then(
    ({ items }) => (tagged.hidden = items.length === 0),
    () => {},
  );
  return {
    element: h("div", { class: "column" }, h("h1", null, t("activity")), requests, tagged, list.element),
    title: t("activity"),
  };
}

/** @param {string} upTo */
async function markRead(upTo) {
  await api.post("/notifications/read", { body: { upTo } }).then(
    () => setUnread(0),
    () => {},
  );
}

/**
 * @param {Notification} notification
 * @param {AbortSignal} signal
 */
function row(notification, signal) {
  const { actor, post, comment, type, othersCount, createdAt, read } = notification;
  const key = `activity.${type}${othersCount ? "_grouped" : ""}`;
  const known = /** @type {Key} */ (hasText(key) ? key : "activity.other");
  const text = actor ? parts(known, { name: userLink(actor), count: othersCount ?? 0 }) : t(known);
  const href = post ? `/p/${post.id}` : actor ? profilePath(actor) : "/app/settings/moderation";
  return h(
    "div",
    { class: read ? "row" : "row unread", "data-id": notification.id },
    actor
      ? h("a", { href: profilePath(actor), tabIndex: -1, "aria-hidden": "true" }, avatar(actor))
      : h("span", { class: "avatar medium" }),
    h(
      "div",
      { class: "row-text" },
      h("p", null, text, comment?.content && [": ", h("span", { dir: "auto" }, comment.content)]),
      h("a", { class: "quiet small", href, title: formatTime(createdAt) }, formatAge(createdAt)),
    ),
    post?.thumbnailUrl
      ? h(
          "a",
          { href, class: "row-picture", tabIndex: -1, "aria-hidden": "true" },
          h("img", { src: post.thumbnailUrl, alt: "", loading: "lazy" }),
        )
      : actor && type.startsWith("follow") && type !== "follow_request" && followButton(actor, signal),
  );
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function requestsScreen({ signal }) {
  const list = endlessList({
    load: (cursor) => api.get("/follow-requests", { query: { cursor } }),
    render: (user) => request(user, signal),
    empty: () => emptyState(t("no_requests")),
    signal,
  });
  return {
    element: h("div", { class: "column" }, h("h1", null, t("follow_requests")), list.element),
    title: t("follow_requests"),
  };
}

/**
 * @param {RelatedUser} user
 * @param {AbortSignal} signal
 */
function request(user, signal) {
  const route = { path: { userId: user.id } };
  /** @param {() => Promise<unknown>} run */
  const answer = (run) => async () => (await attempt(run)) && element.remove();
  const buttons = h(
    "div",
    { class: "buttons" },
    h(
      "button",
      {
        type: "button",
        class: "button primary",
        onclick: answer(() => api.post("/follow-requests/{userId}", route)),
      },
      t("accept"),
    ),
    h(
      "button",
      { type: "button", class: "button", onclick: answer(() => api.delete("/follow-requests/{userId}", route)) },
      t("decline"),
    ),
  );
  const element = userRow(user, signal, { action: buttons });
  return element;
}

/**
 * Posts in which one was tagged and has not agreed yet.
 * @param {Place} place
 * @returns {Screen}
 */
export function pendingTagsScreen({ signal }) {
  const list = endlessList({
    load: (cursor) => api.get("/tags/pending", { query: { cursor } }),
    render: pendingTag,
    empty: () => emptyState(t("no_tag_requests"), t("no_tag_requests_text")),
    signal,
  });
  return {
    element: h("div", { class: "column" }, h("h1", null, t("tag_requests")), list.element),
    title: t("tag_requests"),
  };
}

/** @param {Post} post */
function pendingTag(post) {
  const path = { postId: post.id };
  const [first] = post.images;
  /** @param {() => Promise<unknown>} run @param {Key} text */
  const answer = (run, text) => async () => {
    if (!(await attempt(run))) return;
    element.remove();
    showMessage(t(text));
  };
  const approve = answer(() => api.post("/posts/{postId}/tags/approve", { path }), "tag_approved");
  const remove = answer(() => api.delete("/posts/{postId}/tags", { path }), "own_tag_removed");
  const href = `/p/${post.id}`;
  const element = h(
    "div",
    { class: "row tag-request" },
    h("a", { href, class: "row-picture", tabIndex: -1, "aria-hidden": "true" }, first && thumbnail(first)),
    h(
      "div",
      { class: "row-text" },
      h("p", null, parts("activity.tag", { name: userLink(post.author) })),
      h("a", { class: "quiet small", href, title: formatTime(post.createdAt) }, formatAge(post.createdAt)),
      h(
        "div",
        { class: "buttons start" },
        h("button", { type: "button", class: "button primary", onclick: approve }, t("approve")),
        h("button", { type: "button", class: "button", onclick: remove }, t("remove")),
      ),
    ),
  );
  return element;
}
