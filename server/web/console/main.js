/**
 * The console of moderators and administrators, at `/admin`.
 * @module
 */

import { api, getMe } from "../client/api.js";
import { fill, h } from "../client/dom.js";
import { loadLanguage } from "../client/i18n.js";
import { applyTheme } from "../client/theme.js";
import { emptyState } from "../client/components/lists.js";
import { failure } from "../client/components/problems.js";
import { appealsPage } from "./appeals.js";
import { auditPage } from "./audit.js";
import { filtersPage } from "./filters.js";
import { peoplePage } from "./people.js";
import { processesPage } from "./processes.js";
import { queuesPage } from "./queues.js";
import { reportsPage } from "./reports.js";
import { storagePage } from "./storage.js";

/**
 * What a page of the console gets. `signal` is aborted when another page is shown.
 * @typedef {object} Context
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal
 */

/** @typedef {{ title: string, render: (context: Context) => HTMLElement | Promise<HTMLElement>, admin?: boolean }} Page */

/** @type {Record<string, Page>} */
const PAGES = {
  queues: { title: "Queues", render: queuesPage, admin: true },
  reports: { title: "Reports", render: reportsPage },
  appeals: { title: "Appeals", render: appealsPage },
  people: { title: "People", render: peoplePage },
  filters: { title: "Filters", render: filtersPage },
  processes: { title: "Processes", render: processesPage, admin: true },
  storage: { title: "Storage", render: storagePage, admin: true },
  audit: { title: "Audit log", render: auditPage },
};

const main = h("main", { id: "main", tabIndex: -1 });
let shown = new AbortController();

/** Show the page that the address names. */
async function show() {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const { role } = await getMe();
  const allowed = Object.entries(PAGES).filter(([, page]) => role === "admin" || (role === "moderator" && !page.admin));
  const [first] = allowed;
  if (!first) {
    const text = "Sign in as a moderator or an administrator. “run.py role” gives a user this role.";
    return fill(
      document.body,
      emptyState("This page is for staff", text, h("a", { class: "button", href: "/" }, "To the app")),
    );
  }
  const name = location.pathname.split("/")[2] || first[0];
  const page = allowed.find(([each]) => each === name)?.[1];
  const links = allowed.map(([each, { title }]) =>
    h("a", { href: `/admin/${each}`, "aria-current": each === name ? "page" : null }, title),
  );
  fill(
    document.body,
    h(
      "header",
      { class: "console-head" },
      h("a", { class: "brand", href: "/admin" }, "photofeed console"),
      h("nav", { "aria-label": "Pages" }, links),
      h("a", { class: "quiet", href: "/" }, "To the app"),
    ),
    main,
  );
  // On a phone, the links are a row that scrolls.
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  if (!page) return fill(main, emptyState("Not found"));
  document.title = `${page.title} · photofeed console`;
  fill(main, h("div", { class: "spinner", role: "progressbar", "aria-label": "Loading" }));
  try {
    const element = await page.render({ query: new URLSearchParams(location.search), signal });
    if (!signal.aborted) fill(main, h("h1", null, page.title), element);
  } catch (error) {
    if (!signal.aborted) fill(main, failure(error, show));
  }
}

/** @param {MouseEvent} event */
function followLink(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = /** @type {Element} */ (event.target).closest("a");
  if (!link || link.target || link.origin !== location.origin || !link.pathname.startsWith("/admin")) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  void show();
}

applyTheme();
await loadLanguage();
if (api.session.userId === null) {
  sessionStorage.setItem("photofeed.next", location.pathname + location.search);
  location.replace("/sign-in");
} else {
  document.addEventListener("click", followLink);
  addEventListener("popstate", () => void show());
  await show();
}
