/**
 * All data as an archive, and leaving.
 * @module
 */

import { ApiError } from "../../../sdk/index.js";
import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { formatTime, t } from "../../i18n.js";
import { confirm } from "../../components/dialogs.js";
import { form } from "../../components/forms.js";
import { currentPasswordField } from "../../components/passwords.js";
import { report } from "../../components/problems.js";

/** @import { Place } from "../../router.js" */

const POLL_MS = 3000;

/** @param {Place} place */
export function dataSection({ parameters, signal }) {
  return h("div", null, exportPart(parameters.show === "export", signal), leavePart());
}

/**
 * @param {boolean} requested whether there may be an archive
 * @param {AbortSignal} signal
 */
function exportPart(requested, signal) {
  const state = h("div", { role: "status" });

  async function show() {
    try {
      const { status, progress, url, expiresAt } = await api.get("/users/export", { signal });
      const waiting = status === "queued" || status === "running";
      fill(
        state,
        h("p", null, t(`export.${status}`)),
        waiting && h("progress", { max: 100, value: progress, "aria-label": t("export.running") }),
        url && h("p", null, h("a", { class: "button primary", href: url, download: true }, t("download"))),
        url && expiresAt && h("p", { class: "quiet small" }, t("available_until", { time: formatTime(expiresAt) })),
      );
      if (waiting && !signal.aborted) setTimeout(show, POLL_MS);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) report(error);
    }
  }

  if (requested) void show();
  else fill(state, h("a", { href: "/export" }, t("show_export")));
  return h(
    "section",
    { class: "section" },
    h("h2", null, t("export")),
    h("p", null, t("export_text")),
    state,
    form(
      {
        action: t("request_export"),
        submit: async ({ password = "" }, element) => {
          await api.post("/users/export", { body: { password } });
          element.reset();
          await show();
        },
      },
      currentPasswordField(),
    ),
  );
}

function leavePart() {
  return h(
    "section",
    { class: "section" },
    h("h2", null, t("leave")),
    h("p", null, t("deactivate_text")),
    form(
      {
        action: t("deactivate"),
        submit: async ({ password = "" }) => {
          await api.post("/users/profile/deactivate", { body: { password } });
          api.session.end();
        },
      },
      currentPasswordField(),
    ),
    h("p", null, t("delete_account_text")),
    form(
      {
        action: t("delete_account"),
        class: "form dangerous",
        submit: async ({ password = "" }) => {
          if (!(await confirm(t("delete_account"), t("delete_account_text"), t("delete_account")))) return;
          await api.delete("/users/profile", { body: { password } });
          api.session.end();
        },
      },
      currentPasswordField(),
    ),
  );
}
