/**
 * A profile: the head with its numbers, and the grid of posts; and the lists of followers and followed users.
 * @module
 */

import { api, isMe } from "../api.js";
import { fill, h } from "../dom.js";
import { onChange } from "../events.js";
import { formatCount, t } from "../i18n.js";
import { openMenu } from "../components/dialogs.js";
import { icon } from "../components/icons.js";
import { emptyState, endlessList } from "../components/lists.js";
import { avatar } from "../components/pictures.js";
import { block, mute, report } from "../components/post-menu.js";
import { gridItem } from "../components/posts.js";
import { richText } from "../components/texts.js";
import { followButton, lockBadge, profilePath, userRow } from "../components/users.js";

/** @import { Place, Screen } from "../router.js" */
/** @import { Profile, PublicProfile } from "../types.js" */

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function profileScreen({ parameters, signal }) {
  const userId = `@${parameters.name}`;
  const { posts, ...found } = await api.get("/users/{userId}", { path: { userId }, query: { include: ["posts"] } });
  /** @type {PublicProfile} */
  let profile = found;
  /** The first page of posts comes with the profile. */
  let first = posts ?? null;
  const head = h("header", { class: "profile-head" });
  const list = endlessList({
    load: async (cursor) => {
      const page = first ?? (await api.get("/posts", { query: { userId, cursor } }));
      first = null;
      return page;
    },
    render: gridItem,
    empty: () => emptyGrid(profile),
    signal,
    class: "grid",
  });
  fill(head, profileHead(profile, signal));

  onChange("relationship", signal, async ({ id, relationship }) => {
    const before = profile.relationship;
    if (id !== profile.id || !before) return;
    const followers = Number(relationship.following) - Number(before.following);
    profile = { ...profile, relationship, followersCount: profile.followersCount + followers };
    fill(head, profileHead(profile, signal));
    if (followers && profile.isPrivate) void list.reload();
  });
  onChange("profile", signal, async () => {
    if (!isMe(profile.id)) return;
    profile = await api.get("/users/{userId}", { path: { userId: profile.id } });
    fill(head, profileHead(profile, signal));
    void list.reload();
  });
  return { element: h("div", { class: "page" }, head, list.element), title: profile.fullName || profile.username };
}

/**
 * @param {PublicProfile} profile
 * @param {AbortSignal} signal
 */
function profileHead(profile, signal) {
  const { username, fullName, bio, website, postsCount, followersCount, followingCount } = profile;
  const path = profilePath(profile);
  const followed = profile.relationship?.followedBy && !isMe(profile.id);
  return [
    avatar(profile, "large"),
    h(
      "div",
      { class: "profile-about" },
      h(
        "div",
        { class: "profile-name" },
        h("h1", { dir: "ltr" }, username),
        profile.isPrivate && lockBadge(),
        followed && h("span", { class: "badge" }, t("follows_you")),
      ),
      h(
        "div",
        { class: "numbers" },
        h("span", null, h("b", null, formatCount(postsCount)), ` ${t("posts_count_label", { count: postsCount })}`),
        h(
          "a",
          { href: `/app/users/${username}/followers` },
          h("b", null, formatCount(followersCount)),
          ` ${t("followers_count_label", { count: followersCount })}`,
        ),
        h(
          "a",
          { href: `/app/users/${username}/following` },
          h("b", null, formatCount(followingCount)),
          ` ${t("following_label")}`,
        ),
      ),
      fullName && h("p", { class: "strong", dir: "auto" }, fullName),
      bio && h("p", { class: "text", dir: "auto" }, richText(bio)),
      website &&
        h(
          "p",
          null,
          h(
            "a",
            { href: website, rel: "me nofollow noopener", target: "_blank", dir: "ltr" },
            website.replace(/^https?:\/\//, ""),
          ),
        ),
      h("div", { class: "buttons start" }, isMe(profile.id) ? ownButtons() : foreignButtons(profile, signal, path)),
    ),
  ];
}

function ownButtons() {
  return [
    h("a", { class: "button", href: "/app/settings/profile" }, t("edit_profile")),
    h("a", { class: "button", href: "/app/saved" }, t("saved")),
    h("a", { class: "icon-button", href: "/app/settings", "aria-label": t("settings") }, icon("settings")),
  ];
}

/**
 * @param {PublicProfile} profile
 * @param {AbortSignal} signal
 * @param {string} path
 */
function foreignButtons(profile, signal, path) {
  const items = [
    { label: t("copy_link"), run: () => navigator.clipboard.writeText(new URL(path, location.href).href) },
    { label: t("mute_user", { name: profile.username }), run: () => mute(profile) },
    { label: t("block_user", { name: profile.username }), danger: true, run: () => block(profile) },
    { label: t("report"), danger: true, run: () => report("user", profile.id) },
  ];
  return [
    followButton(profile, signal),
    h(
      "button",
      {
        type: "button",
        class: "icon-button more-dots",
        "aria-label": t("more_actions"),
        onclick: () => openMenu(profile.username, items),
      },
      icon("more"),
    ),
  ];
}

/** @param {Profile | PublicProfile} profile */
function emptyGrid(profile) {
  if (isMe(profile.id)) {
    return emptyState(
      t("no_posts"),
      t("no_own_posts_text"),
      h("a", { class: "button primary", href: "/app/publish" }, t("publish")),
    );
  }
  const hidden = profile.isPrivate && !profile.relationship?.following;
  return hidden
    ? emptyState(t("private_account"), t("private_account_text", { name: profile.username }))
    : emptyState(t("no_posts"));
}

/** @param {Place} place */
export function followersScreen(place) {
  return connections("followers", place);
}

/** @param {Place} place */
export function followingScreen(place) {
  return connections("following", place);
}

/**
 * @param {"followers" | "following"} kind
 * @param {Place} place
 * @returns {Screen}
 */
function connections(kind, { parameters, signal }) {
  const path = { userId: `@${parameters.name}` };
  const list = endlessList({
    load: (cursor) => api.get(`/users/{userId}/${kind}`, { path, query: { cursor, limit: 40 } }),
    render: (user) => userRow(user, signal),
    empty: () => emptyState(t(`no_${kind}`)),
    signal,
  });
  const title = t(kind === "followers" ? "followers" : "following_title");
  return { element: h("div", { class: "column" }, h("h1", null, title), list.element), title };
}
