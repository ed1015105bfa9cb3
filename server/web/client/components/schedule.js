/**
 * Drafts and scheduled posts: choosing the time, and what the browser keeps for them until they are published.
 * @module
 */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { openDialog } from "./dialogs.js";
import { field, form } from "./forms.js";

/** @import { Content } from "./post-editor.js" */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/**
 * Ask for a time. `done` gets it as the API takes it, and may throw: the dialog stays open then.
 * @param {{ at?: string | null, maxDays: number, note?: string | null }} options
 * @param {(publishAt: string) => Promise<unknown>} done
 */
export function chooseTime({ at, maxDays, note }, done) {
  const now = Date.now();
  const start = at ? new Date(at) : new Date(Math.ceil((now + DAY_MS / 24) / (15 * MINUTE_MS)) * 15 * MINUTE_MS);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  openDialog(t("schedule"), (close) => [
    note && h("p", { class: "notice" }, note),
    form(
      {
        action: t("schedule"),
        submit: async ({ publishAt = "" }) => {
          if (!publishAt) return;
          await done(new Date(publishAt).toISOString());
          close();
        },
      },
      field(t("publish_at"), "publishAt", {
        type: "datetime-local",
        value: local(start),
        min: local(new Date(now + MINUTE_MS)),
        max: local(new Date(now + maxDays * DAY_MS)),
        required: true,
        autofocus: true,
        hint: t("time_zone", { zone }),
      }),
    ),
  ]);
}

/** Return a time as such a field has it, in the time zone of the device. @param {Date} date */
function local(date) {
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * MINUTE_MS);
  return shifted.toISOString().slice(0, 16);
}

/** @param {string} draftId */
function key(draftId) {
  return `photofeed.draft.${draftId}`;
}

/**
 * Keep the place and the tags of a draft in this browser: the server takes them when the draft is published.
 * @param {string} draftId
 * @param {Content} content
 */
export function keepExtras(draftId, { place, pictures }) {
  const tags = pictures.map((picture) => picture.tags);
  if (place || tags.some((each) => each.length > 0))
    localStorage.setItem(key(draftId), JSON.stringify({ place, tags }));
  else forgetExtras(draftId);
}

/**
 * Return the content of a draft with what the browser has kept for it.
 * @param {string} draftId
 * @param {Content} content
 * @returns {Content}
 */
export function withExtras(draftId, content) {
  /** @type {{ place: Content["place"], tags: Content["pictures"][number]["tags"][] } | null} */
  const kept = JSON.parse(localStorage.getItem(key(draftId)) ?? "null");
  if (!kept) return content;
  const pictures = content.pictures.map((picture, index) => ({ ...picture, tags: kept.tags[index] ?? [] }));
  return { ...content, place: kept.place, pictures };
}

/** @param {string} draftId */
export function forgetExtras(draftId) {
  localStorage.removeItem(key(draftId));
}

/** Return whether a scheduled post would lose something: only posts have places and tags. @param {Content} content */
export function hasExtras({ place, pictures }) {
  return place !== null || pictures.some(({ tags }) => tags.length > 0);
}
