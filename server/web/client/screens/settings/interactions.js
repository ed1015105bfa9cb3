/**
 * Who may comment on one's posts and tag one in pictures, and what waits for one's approval.
 * @module
 */

import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { showMessage } from "../../components/dialogs.js";
import { field, form, toggle } from "../../components/forms.js";
import { icon } from "../../components/icons.js";
import { attempt } from "../../components/problems.js";

/** @import { Key } from "../../i18n.js" */

export async function interactionsSection() {
  const [comments, tags] = await Promise.all([api.get("/users/profile/comment-settings"), api.get("/tags/settings")]);
  return h("div", null, commentPart(comments), tagPart(tags));
}

/** @param {{ allowedFrom: "everyone" | "followers", hiddenWords: string[] }} settings */
function commentPart({ allowedFrom, hiddenWords }) {
  const path = "/users/profile/comment-settings";
  const allowed = choices(
    t("comments_from"),
    ["everyone", "followers"],
    allowedFrom,
    (chosen) => api.patch(path, { body: { allowedFrom: /** @type {typeof allowedFrom} */ (chosen) } }),
    "commenters",
  );
  const words = h("ul", { class: "chips wrap" });
  /** @param {string[]} now */
  async function save(now) {
    ({ hiddenWords } = await api.patch(path, { body: { hiddenWords: now } }));
    show();
  }
  function show() {
    const remove = (/** @type {string} */ word) => () =>
      attempt(() => save(hiddenWords.filter((each) => each !== word)));
    fill(
      words,
      hiddenWords.map((word) =>
        h(
          "li",
          { class: "chip" },
          h("span", { dir: "auto" }, word),
          h(
            "button",
            {
              type: "button",
              class: "icon-button tiny",
              "aria-label": t("remove_word", { word }),
              onclick: remove(word),
            },
            icon("close"),
          ),
        ),
      ),
    );
    words.hidden = hiddenWords.length === 0;
  }
  show();
  const add = form(
    {
      action: t("add"),
      class: "form inline",
      submit: async ({ hiddenWords: word = "" }, element) => {
        if (!word.trim()) return;
        await save([...hiddenWords, word.trim()]);
        element.reset();
      },
    },
    field(t("hidden_words"), "hiddenWords", { dir: "auto", hint: t("hidden_words_hint") }),
  );
  return h("section", { class: "section" }, h("h2", null, t("comments")), allowed, add, words);
}

/** @param {{ allowedFrom: "everyone" | "following" | "nobody", manualApproval: boolean }} settings */
function tagPart({ allowedFrom, manualApproval }) {
  const allowed = choices(
    t("tags_from"),
    ["everyone", "following", "nobody"],
    allowedFrom,
    (chosen) => api.patch("/tags/settings", { body: { allowedFrom: /** @type {typeof allowedFrom} */ (chosen) } }),
    "taggers",
  );
  const manual = toggle(t("approve_tags"), "manualApproval", {
    checked: manualApproval,
    hint: t("approve_tags_hint"),
    onchange: async (/** @type {Event} */ event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      const done = await attempt(() => api.patch("/tags/settings", { body: { manualApproval: input.checked } }));
      if (!done) input.checked = !input.checked;
    },
  });
  const requests = h(
    "a",
    { class: "row", href: "/app/tagged" },
    h("span", { class: "row-text name" }, t("tag_requests")),
    icon("next"),
  );
  return h("section", { class: "section" }, h("h2", null, t("tags")), allowed, manual, requests);
}

/**
 * Return radio buttons that save a choice at once.
 * @param {string} legend
 * @param {string[]} values
 * @param {string} chosen
 * @param {(value: string) => Promise<unknown>} save
 * @param {string} prefix of the texts
 */
function choices(legend, values, chosen, save, prefix) {
  const element = h("fieldset", { class: "choices" });
  const show = () =>
    fill(
      element,
      h("legend", null, legend),
      values.map((value) =>
        h(
          "label",
          null,
          h("input", { type: "radio", name: prefix, value, checked: value === chosen, onchange: () => choose(value) }),
          h("span", null, t(/** @type {Key} */ (`${prefix}.${value === "nobody" ? "no_one" : value}`))),
        ),
      ),
    );
  /** @param {string} value */
  async function choose(value) {
    if (await attempt(() => save(value))) {
      chosen = value;
      showMessage(t("saved_changes"));
    } else show();
  }
  return show();
}
