/**
 * The start of the web client: the frame with its navigation, and the screens by their addresses.
 * @module
 */

import { api, getMe, setMe } from "./api.js";
import { fill, h } from "./dom.js";
import { onChange } from "./events.js";
import { formatCount, loadLanguage, t } from "./i18n.js";
import { startLive, stopLive } from "./live.js";
import { Router } from "./router.js";
import { applyTheme } from "./theme.js";
import { icon } from "./components/icons.js";
import { avatar } from "./components/pictures.js";
import { failure, report } from "./components/problems.js";
import { emptyState } from "./components/lists.js";
import { openDialog, showMessage } from "./components/dialogs.js";
import { ApiError } from "../sdk/index.js";
import { feedScreen } from "./screens/feed.js";

/** @import { IconName } from "./components/icons.js" */
/** @import { Screen } from "./router.js" */
/** @import { SessionChange } from "../sdk/index.js" */

const forever = new AbortController().signal;
const main = h("main", { id: "main", tabIndex: -1 });
const frame = h("div", { class: "frame-page" });

/** Screens that are loaded when they are opened. */
const screens = {
  accounts: () => import("./screens/accounts.js"),
  activity: () => import("./screens/activity.js"),
  archive: () => import("./screens/archive.js"),
  drafts: () => import("./screens/drafts.js"),
  post: () => import("./screens/post.js"),
  profile: () => import("./screens/profile.js"),
  publish: () => import("./screens/publish.js"),
  saved: () => import("./screens/saved.js"),
  search: () => import("./screens/search.js"),
  settings: () => import("./screens/settings/index.js"),
  topics: () => import("./screens/topics.js"),
};

/** @type {Router} */
const router = new Router({ show, failed, redirect })
  .add("/", feedScreen)
  .add("/p/{id}", async (place) => (await screens.post()).postScreen(place))
  .add("/@{name}", async (place) => (await screens.profile()).profileScreen(place))
  .add("/app/posts/{id}/likes", async (place) => (await screens.post()).likersScreen(place))
  .add("/app/posts/{id}/comments/{comment}/likes", async (place) => (await screens.post()).likersScreen(place))
  .add("/app/posts/{id}/edit", async (place) => (await screens.publish()).editPostScreen(place))
  .add("/app/posts/{id}/history", async (place) => (await screens.archive()).historyScreen(place))
  .add("/app/archive", async (place) => (await screens.archive()).archiveScreen(place))
  .add("/app/drafts", async (place) => (await screens.drafts()).draftsScreen(place))
  .add("/app/users/{name}/followers", async (place) => (await screens.profile()).followersScreen(place))
  .add("/app/users/{name}/following", async (place) => (await screens.profile()).followingScreen(place))
  .add("/app/search", async (place) => (await screens.search()).searchScreen(place))
  .add("/app/explore", async (place) => (await screens.search()).exploreScreen(place))
  .add("/app/tags/{tag}", async (place) => (await screens.topics()).hashtagScreen(place))
  .add("/app/places/{id}", async (place) => (await screens.topics()).placeScreen(place))
  .add("/app/saved", async (place) => (await screens.saved()).savedScreen(place))
  .add("/app/collections/{id}", async (place) => (await screens.saved()).collectionScreen(place))
  .add("/app/tags", async (place) => (await screens.topics()).followedHashtagsScreen(place))
  .add("/app/tagged", async (place) => (await screens.activity()).pendingTagsScreen(place))
  .add("/app/activity", async (place) => (await screens.activity()).activityScreen(place))
  .add("/app/requests", async (place) => (await screens.activity()).requestsScreen(place))
  .add("/app/publish", async (place) => (await screens.publish()).publishScreen(place))
  .add("/app/settings", async () => (await screens.settings()).settingsScreen())
  .add("/app/settings/{section}", async (place) => (await screens.settings()).settingsSectionScreen(place))
  .add("/export", async (place) => (await screens.settings()).exportScreen(place))
  .add("/sign-in", async () => (await screens.accounts()).signInScreen(), { open: true })
  .add("/sign-up", async () => (await screens.accounts()).signUpScreen(), { open: true })
  .add("/forgot-password", async () => (await screens.accounts()).forgotPasswordScreen(), { open: true })
  .add("/reset-password", async (place) => (await screens.accounts()).resetPasswordScreen(place), { open: true })
  .add("/verify-email", async (place) => (await screens.accounts()).verifyEmailScreen(place), { open: true })
  .add("/recover-account", async (place) => (await screens.accounts()).recoverAccountScreen(place), { open: true })
  .add("/appeal", async (place) => (await screens.accounts()).appealScreen(place), { open: true });

/** @param {Screen} screen @param {string} path */
function show(screen, path) {
  document.title = `${screen.title} · photofeed`;
  fill(main, screen.element);
  for (const link of frame.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!main.contains(document.activeElement)) main.focus({ preventScroll: true });
}

/**
 * @param {unknown} error
 * @returns {Screen}
 */
function failed(error) {
  const missing =
    (error instanceof ApiError && error.status === 404) || (error instanceof Error && error.message === "not_found");
  const element = missing
    ? emptyState(t("not_found"), t("not_found_text"), h("a", { class: "button primary", href: "/" }, t("home")))
    : failure(error, () => router.reload());
  return { element: h("div", { class: "column" }, element), title: t(missing ? "not_found" : "error") };
}

/** @param {string} path @param {boolean} open */
function redirect(path, open) {
  if (api.session.userId !== null) return path === "/sign-in" || path === "/sign-up" ? "/" : null;
  if (open) return null;
  if (path !== "/") sessionStorage.setItem("photofeed.next", path);
  return "/sign-in";
}

/**
 * @param {IconName} name
 * @param {string} href
 * @param {string} label
 * @param {Node | null} [mark]
 */
function navLink(name, href, label, mark = null) {
  return h(
    "a",
    { href, "aria-label": label },
    h("span", { class: "nav-icon" }, icon(name), mark),
    h("span", { class: "nav-label", "aria-hidden": "true" }, label),
  );
}

function navigation() {
  const badge = h("span", { class: "count", hidden: true });
  onChange("unread", forever, ({ count }) => {
    badge.hidden = count === 0;
    badge.textContent = count > 99 ? "99+" : formatCount(count);
    void navigator.setAppBadge?.(count).catch(() => {});
  });
  const own = h(
    "a",
    { href: "/app/settings", "aria-label": t("profile") },
    h("span", { class: "nav-icon" }, icon("profile")),
    h("span", { class: "nav-label", "aria-hidden": "true" }, t("profile")),
  );
  const showOwn = () =>
    getMe().then((me) => {
      own.setAttribute("href", `/@${me.username}`);
      fill(/** @type {HTMLElement} */ (own.firstElementChild), avatar(me, "small"));
    }, report);
  onChange("profile", forever, showOwn);
  void showOwn();
  return h(
    "nav",
    { class: "nav", "aria-label": t("navigation") },
    h("a", { class: "brand", href: "/", "aria-hidden": "true", tabIndex: -1 }, "photofeed"),
    navLink("home", "/", t("feed")),
    navLink("search", "/app/search", t("search")),
    navLink("explore", "/app/explore", t("explore")),
    navLink("publish", "/app/publish", t("publish")),
    navLink("heart", "/app/activity", t("activity"), badge),
    own,
    navLink("settings", "/app/settings", t("settings")),
  );
}

/** Who uses the screens that are in memory. @type {string | null} */
let shownTo = null;
/** @type {HTMLDialogElement | null} */
let signInDialog = null;

/** @param {SessionChange} change */
function sessionChanged({ expired }) {
  const { userId } = api.session;
  if (expired && shownTo !== null) return signInAgain();
  const sameUser = userId !== null && userId === shownTo;
  if (signInDialog && sameUser) startLive();
  else void begin();
  signInDialog?.close();
}

/** Ask for the password over the screen, which keeps what was typed into it. Closing the dialog leaves the screen. */
async function signInAgain() {
  if (signInDialog) return;
  stopLive();
  const { signInForm } = await screens.accounts();
  const dialog = openDialog(t("sign_in"), () => [h("p", { role: "status" }, t("errors.signed_out")), signInForm()]);
  signInDialog = dialog;
  dialog.classList.add("opaque");
  dialog.addEventListener("close", () => {
    signInDialog = null;
    if (api.session.userId === null) void begin();
  });
}

/** Show the frame, with the navigation for a signed-in user, and the screen of the address. */
async function begin() {
  shownTo = api.session.userId;
  const signedIn = shownTo !== null;
  router.clear();
  setMe(null);
  const skip = h(
    "a",
    {
      class: "skip",
      href: "#main",
      onclick: (/** @type {Event} */ event) => {
        event.preventDefault();
        main.focus();
      },
    },
    t("skip"),
  );
  fill(frame, skip, signedIn ? navigation() : topBar(), main);
  if (signedIn) startLive();
  else stopLive();
  const next = signedIn && sessionStorage.getItem("photofeed.next");
  if (!next) return router.start();
  sessionStorage.removeItem("photofeed.next");
  return router.open(next, { replace: true });
}

function topBar() {
  return h("header", { class: "top" }, h("a", { class: "brand", href: "/" }, "photofeed"));
}

/** A service worker makes the client installable, and shows it without a connection. */
function registerWorker() {
  navigator.serviceWorker?.register("/service-worker.js").catch(() => {}); // only over https and on localhost
}

/** Load the styles in place of those of a page that the server rendered. */
async function loadStyles() {
  if (document.querySelector('link[rel="stylesheet"]')) return;
  const links = ["base", "components", "screens"].map((name) =>
    h("link", { rel: "stylesheet", href: new URL(`styles/${name}.css`, import.meta.url).href }),
  );
  const loaded = links.map((link) => new Promise((resolve) => link.addEventListener("load", resolve)));
  document.head.append(...links);
  await Promise.all(loaded);
  document.querySelector("style")?.remove();
}

/** Start the client. A page to share stays as the server rendered it, unless a user is signed in. */
async function start() {
  if (document.querySelector("main") && api.session.userId === null) return;
  applyTheme();
  await Promise.all([loadLanguage(), loadStyles()]);
  document.body.replaceChildren(frame);
  api.session.addEventListener("change", (event) => sessionChanged(/** @type {SessionChange} */ (event)));
  onChange("navigate", forever, ({ path }) => void router.open(path));
  addEventListener("offline", () => showMessage(t("errors.offline")));
  await begin();
  registerWorker();
}

await start();
