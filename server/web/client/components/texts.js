/**
 * Texts of users, with links for mentions, hashtags and web addresses.
 * @module
 */

import { h } from "../dom.js";
import { t } from "../i18n.js";

/** @typedef {{ mentionedUsers?: { id: string, writtenAs: string }[], hashtags?: string[] }} Linked */

const PIECES = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'])|#([\p{L}\p{M}\p{N}_\u200c\u200d·]+)|@([\w.]*\w)/gu;
const FOLDED_LENGTH = 160;

/**
 * Return a text as a list of children. Only users and hashtags that the server found become links.
 * @param {string} text
 * @param {Linked} linked
 */
export function richText(text, { mentionedUsers = [], hashtags = [] } = {}) {
  const mentioned = new Set(mentionedUsers.map(({ writtenAs }) => writtenAs));
  /** @type {(Node | string)[]} */
  const children = [];
  let end = 0;
  for (const match of text.matchAll(PIECES)) {
    const [piece, url, tag, name] = match;
    const node = url
      ? h("a", { href: url, rel: "nofollow ugc noopener", target: "_blank" }, url.replace(/^https?:\/\//, ""))
      : tag && hashtags.includes(fold(tag))
        ? h("a", { href: `/app/tags/${encodeURIComponent(fold(tag))}` }, piece)
        : name && mentioned.has(name.toLowerCase())
          ? h("a", { href: `/@${name.toLowerCase()}` }, piece)
          : null;
    if (!node) continue;
    children.push(text.slice(end, match.index), node);
    end = match.index + piece.length;
  }
  children.push(text.slice(end));
  return children;
}

/**
 * Return a paragraph that shows the beginning of a long text, and all of it when it is asked for.
 * @param {string} text
 * @param {Linked} linked
 * @param {Node | null} [lead] stands before the text
 */
export function foldedText(text, linked, lead = null) {
  const long = text.length > FOLDED_LENGTH || text.split("\n").length > 3;
  const body = h("span", { class: long ? "text folded" : "text", dir: "auto" }, richText(text, linked));
  const more =
    long &&
    h(
      "button",
      {
        type: "button",
        class: "link quiet",
        onclick: (/** @type {Event} */ event) => {
          body.classList.remove("folded");
          /** @type {HTMLElement} */ (event.currentTarget).remove();
        },
      },
      t("more"),
    );
  return h("p", { class: "caption" }, lead, lead && " ", body, more);
}

/** @param {string} tag */
function fold(tag) {
  return tag.normalize("NFKC").toLowerCase();
}
