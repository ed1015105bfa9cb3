/**
 * A profile: the head with its numbers, and the grid of posts; and the lists of followers and followed users.
 * @module
 */

import { api, isMe } from "../api.js";
import { fill, h } from "../dom.js";
import { announce, onChange } from "../events.js";
import { formatCount, t } from "../i18n.js";
import { openMenu } from "../components/dialogs.js";
import { icon } from "../components/icons.js";
import { emptyState, endlessList } from "../components/lists.js";
import { avatar } from "../components/pictures.js";
import { report } from "../components/post-menu.js";
import { gridItem } from "../components/posts.js";
import { attempt } from "../components/problems.js";
import { block, isIn, mute, restrict, setCloseFriend, unmute, unrestrict } from "../components/relations.js";
import { tabPanels } from "../components/tabs.js";
import { richText } from "../components/texts.js";
import { followButton, lockBadge, profilePath, userRow } from "../components/users.js";

/** @import { Place, Screen } from "../router.js" */
/** @import { Profile, PublicProfile, Relationship } from "../types.js" */

const OWN_PAGES = /** @type {const} */ ([
  ["drafts", "/app/drafts"],
  ["archived_posts", "/app/archive"],
  ["close_friends", "/app/settings/close-friends"],
  ["followed_hashtags", "/app/tags"],
  ["tag_requests", "/app/tagged"],
]);

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
  const path = { userId: profile.id };
  const tabs = tabPanels([
    { label: t("posts"), icon: "grid", panel: () => list.element },
    {
      label: t("tagged"),
      icon: "people",
      panel: () =>
        endlessList({
          load: (cursor) => api.get("/users/{userId}/tagged", { path, query: { cursor, limit: 24 } }),
          render: gridItem,
          empty: () => emptyState(t("no_tagged"), t("no_tagged_text")),
          signal,
          class: "grid",
        }).element,
    },
  ]);
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
  return { element: h("div", { class: "page" }, head, tabs), title: profile.fullName || profile.username };
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

/** @param {(typeof OWN_PAGES)[number]} page */
function ownPage([label, path]) {
  return { label: t(label), run: () => announce("navigate", { path }) };
}

function ownButtons() {
  return [
    h("a", { class: "button", href: "/app/settings/profile" }, t("edit_profile")),
    h("a", { class: "button", href: "/app/saved" }, t("saved")),
    h(
      "button",
      {
        type: "button",
        class: "icon-button more-dots",
        "aria-label": t("more_actions"),
        onclick: () => openMenu(t("more_actions"), OWN_PAGES.map(ownPage)),
      },
      icon("more"),
    ),
    h("a", { class: "icon-button", href: "/app/settings", "aria-label": t("settings") }, icon("settings")),
  ];
}

/**
 * @param {PublicProfile} profile
 * @param {AbortSignal} signal
 * @param {string} path
 */
function foreignButtons(profile, signal, path) {
  /** @param {Partial<Relationship>} changes */
  function relate(changes) {
    if (!profile.relationship) return;
    const relationship = { ...profile.relationship, ...changes };
    profile = { ...profile, relationship };
    announce("relationship", { id: profile.id, relationship });
  }

  /** @param {boolean} muting */
  async function changeMuting(muting) {
    await (muting ? mute(profile) : unmute(profile));
    relate({ muting });
  }

  async function blockUser() {
    if (await block(profile)) relate({ blocking: true, following: false, requested: false });
  }

  /** The lists of close and restricted users are read when the menu is opened: no profile contains them. */
  async function open() {
    await attempt(async () => {
      const [close, restricted] = await Promise.all([
        isIn("/close-friends", profile.id),
        isIn("/restricted", profile.id),
      ]);
      const name = profile.username;
      const muting = profile.relationship?.muting;
      openMenu(name, [
        {
          label: t(close ? "remove_close_friend" : "add_close_friend"),
          run: () => setCloseFriend(profile, !close),
        },
        { label: t("copy_link"), run: () => navigator.clipboard.writeText(new URL(path, location.href).href) },
        muting
          ? { label: t("unmute_user", { name }), run: () => changeMuting(false) }
          : { label: t("mute_user", { name }), run: () => changeMuting(true) },
        restricted
          ? { label: t("unrestrict_user", { name }), run: () => unrestrict(profile) }
          : { label: t("restrict_user", { name }), run: () => restrict(profile) },
        { label: t("block_user", { name }), danger: true, run: blockUser },
        { label: t("report"), danger: true, run: () => report("user", profile.id) },
      ]);
    });
  }
  return [
    followButton(profile, signal),
    h(
      "button",
      {
        type: "button",
        class: "icon-button more-dots",
        "aria-label": t("more_actions"),
        onclick: open,
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
