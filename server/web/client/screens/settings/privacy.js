/**
 * Who may see what: the private account, and the lists of users that one has blocked, muted, restricted or chosen.
 * @module
 */

import { api, getMe, setMe } from "../../api.js";
import { h } from "../../dom.js";
import { announce } from "../../events.js";
import { t } from "../../i18n.js";
import { toggle } from "../../components/forms.js";
import { emptyState, endlessList } from "../../components/lists.js";
import { attempt } from "../../components/problems.js";
import { userRow } from "../../components/users.js";

/** @import { Place } from "../../router.js" */

const LISTS = /** @type {const} */ ([
  ["blocked", "/blocks", "/users/{userId}/block"],
  ["muted", "/mutes", "/users/{userId}/mute"],
  ["restricted", "/restricted", "/users/{userId}/restrict"],
]);

/** @param {Place} place */
export async function privacySection({ signal }) {
  const me = await getMe();
  const isPrivate = toggle(t("private_account"), "isPrivate", {
    checked: me.isPrivate,
    hint: t("private_hint"),
    onchange: change,
  });

  /** @param {Event} event */
  async function change(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const ok = await attempt(async () => {
      setMe(await api.patch("/users/profile", { body: { isPrivate: input.checked } }));
      announce("profile", {});
    });
    if (!ok) input.checked = !input.checked;
  }

  return h(
    "div",
    null,
    isPrivate,
    LISTS.map(([name, path, member]) => {
      const body = h("div");
      const details = h(
        "details",
        {
          class: "section",
          ontoggle: () => details.open && !body.hasChildNodes() && body.append(people(name, path, member, signal)),
        },
        h("summary", null, t(`list.${name}`)),
        body,
      );
      return details;
    }),
  );
}

/**
 * @param {(typeof LISTS)[number][0]} name
 * @param {(typeof LISTS)[number][1]} path
 * @param {(typeof LISTS)[number][2]} member
 * @param {AbortSignal} signal
 */
function people(name, path, member, signal) {
  return endlessList({
    load: (cursor) => api.get(path, { query: { cursor } }),
    render: (user) => {
      const remove = async () => {
        if (await attempt(() => api.delete(member, { path: { userId: user.id } }))) row.remove();
      };
      const row = userRow(user, signal, {
        action: h("button", { type: "button", class: "button", onclick: remove }, t("remove")),
      });
      return row;
    },
    empty: () => emptyState(t("no_one"), t(`list.${name}_note`)),
    signal,
  }).element;
}
