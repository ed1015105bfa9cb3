/**
 * Close friends: who is one, and a search that adds them.
 * @module
 */

import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { emptyState, endlessList } from "../../components/lists.js";
import { setCloseFriend } from "../../components/relations.js";
import { userSearch } from "../../components/user-search.js";
import { userRow } from "../../components/users.js";

/** @import { Place } from "../../router.js" */
/** @import { RelatedUser } from "../../types.js" */

/** @param {Place} place */
export function closeFriendsSection({ signal }) {
  const list = endlessList({
    load: (cursor) => api.get("/close-friends", { query: { cursor } }),
    render: friend,
    empty: () => emptyState(t("no_one"), t("list.close_friends_note")),
    signal,
  });

  /** @param {RelatedUser} user */
  function friend(user) {
    const label = t("remove_user", { name: user.username });
    const remove = async () => {
      if (await setCloseFriend(user, false)) row.remove();
    };
    const row = userRow(user, signal, {
      action: h("button", { type: "button", class: "button", "aria-label": label, onclick: remove }, t("remove")),
    });
    return row;
  }

  const search = userSearch(t("add_close_friend"), async (user) => {
    if (await setCloseFriend(user, true)) await list.reload();
  });
  return fill(
    h("div"),
    h("p", { class: "quiet" }, t("close_friends_text")),
    search,
    h("h2", { class: "section-title" }, t("close_friends")),
    list.element,
  );
}
