/**
 * The password, the second factor, passkeys, and where the user is signed in.
 * @module
 */

import { addPasskey } from "../../../sdk/index.js";
import { api, canUsePasskeys, getMe } from "../../api.js";
import { fill, h } from "../../dom.js";
import { formatAge, t } from "../../i18n.js";
import { confirm, openDialog, showMessage } from "../../components/dialogs.js";
import { field, form } from "../../components/forms.js";
import { emptyState, endlessList } from "../../components/lists.js";
import { currentPasswordField, newPasswordField } from "../../components/passwords.js";
import { attempt } from "../../components/problems.js";

/** @import { Place } from "../../router.js" */

/** @param {Place} place */
export async function securitySection({ signal }) {
  return h(
    "div",
    null,
    await emailPart(),
    passwordPart(),
    await secondFactorPart(),
    (await canUsePasskeys()) && passkeyPart(signal),
    sessionPart(signal),
  );
}

/**
 * @param {string} title
 * @param {...import("../../dom.js").Child} children
 */
function part(title, ...children) {
  return h("section", { class: "section" }, h("h2", null, title), ...children);
}

async function emailPart() {
  const { email, pendingEmail } = await getMe();
  const note =
    pendingEmail &&
    h(
      "p",
      { class: "notice" },
      t("email_pending", { email: pendingEmail }),
      " ",
      h(
        "button",
        {
          type: "button",
          class: "link",
          onclick: () =>
            attempt(async () => {
              await api.post("/auth/verify-email/resend");
              showMessage(t("link_sent", { email: pendingEmail }));
            }),
        },
        t("send_again"),
      ),
    );
  return part(
    t("email"),
    email && h("p", { dir: "ltr", class: "start-text" }, email),
    note,
    form(
      {
        action: t("change_email"),
        submit: async ({ newEmail = "", password = "" }, element) => {
          await api.post("/auth/change-email", { body: { newEmail, password } });
          element.reset();
          showMessage(t("link_sent", { email: newEmail }));
        },
      },
      field(t("new_email"), "newEmail", { type: "email", autocomplete: "email", required: true, dir: "ltr" }),
      currentPasswordField(),
    ),
  );
}

function passwordPart() {
  return part(
    t("password"),
    form(
      {
        action: t("change_password"),
        submit: async ({ oldPassword = "", newPassword = "" }, element) => {
          await api.post("/auth/change-password", { body: { oldPassword, newPassword } });
          element.reset();
          showMessage(t("password_changed_others"));
        },
      },
      currentPasswordField(t("old_password"), "oldPassword"),
      newPasswordField(t("new_password"), "newPassword"),
    ),
  );
}

async function secondFactorPart() {
  const body = h("div");
  async function show() {
    const { enabled, recoveryCodesLeft } = await api.get("/auth/second-factor");
    fill(
      body,
      enabled
        ? [
            h("p", null, t("second_factor_on", { count: recoveryCodesLeft })),
            proofForm(t("turn_off"), (proof) => api.delete("/auth/second-factor", { body: proof })),
          ]
        : [
            h("p", null, t("second_factor_text")),
            proofForm(
              t("set_up"),
              async (proof) => enable(await api.post("/auth/second-factor/setup", { body: proof })),
              false,
            ),
          ],
    );
  }

  /**
   * @param {string} action
   * @param {(proof: { password: string, code?: string }) => Promise<unknown>} run
   * @param {boolean} [withCode]
   */
  function proofForm(action, run, withCode = true) {
    return form(
      {
        action,
        submit: async ({ password = "", code }) => {
          await run({ password, ...(code && { code }) });
          if (withCode) await show();
        },
      },
      currentPasswordField(),
      withCode && field(t("code"), "code", { inputMode: "numeric", autocomplete: "one-time-code", dir: "ltr" }),
    );
  }

  /** @param {{ secret: string, uri: string }} setup */
  function enable({ secret, uri }) {
    fill(
      body,
      h("p", null, t("second_factor_scan")),
      h("p", null, h("a", { class: "button", href: uri }, t("open_app"))),
      h("p", { class: "code", dir: "ltr" }, secret.match(/.{1,4}/g)?.join(" ")),
      form(
        {
          action: t("turn_on"),
          submit: async ({ code = "" }) => {
            const { recoveryCodes } = await api.post("/auth/second-factor/confirm", { body: { code } });
            showCodes(recoveryCodes);
            await show();
          },
        },
        field(t("code"), "code", {
          inputMode: "numeric",
          autocomplete: "one-time-code",
          required: true,
          dir: "ltr",
        }),
      ),
    );
  }

  await show();
  return part(t("second_factor"), body);
}

/** @param {string[]} codes */
function showCodes(codes) {
  openDialog(t("recovery_codes"), (close) => [
    h("p", null, t("recovery_codes_text")),
    h(
      "ul",
      { class: "codes", dir: "ltr" },
      codes.map((code) => h("li", { class: "code" }, code)),
    ),
    h(
      "div",
      { class: "buttons" },
      h(
        "button",
        { type: "button", class: "button", onclick: () => navigator.clipboard.writeText(codes.join("\n")) },
        t("copy"),
      ),
      h("button", { type: "button", class: "button primary", onclick: close }, t("done")),
    ),
  ]);
}

/** @param {AbortSignal} signal */
function passkeyPart(signal) {
  const list = endlessList({
    load: async () => ({ ...(await api.get("/auth/passkeys")), nextCursor: null }),
    render: ({ id, name, createdAt }) => {
      const remove = async () => {
        if (!(await confirm(t("remove_passkey"), name, t("remove")))) return;
        if (await attempt(() => api.delete("/auth/passkeys/{passkeyId}", { path: { passkeyId: id } }))) row.remove();
      };
      const row = h(
        "div",
        { class: "row" },
        h(
          "div",
          { class: "row-text" },
          h("span", { class: "name" }, name),
          h("span", { class: "quiet small" }, formatAge(createdAt)),
        ),
        h("button", { type: "button", class: "button", onclick: remove }, t("remove")),
      );
      return row;
    },
    empty: () => h("p", { class: "quiet" }, t("no_passkeys")),
    signal,
  });
  return part(
    t("passkeys"),
    list.element,
    form(
      {
        action: t("add_passkey"),
        submit: async ({ password = "" }, element) => {
          await addPasskey(api, { password });
          element.reset();
          await list.reload();
        },
      },
      currentPasswordField(),
    ),
  );
}

/** @param {AbortSignal} signal */
function sessionPart(signal) {
  const list = endlessList({
    load: (cursor) => api.get("/auth/sessions", { query: { cursor } }),
    render: ({ id, device, address, lastUsedAt, current }) => {
      const end = async () => {
        if (await attempt(() => api.delete("/auth/sessions/{sessionId}", { path: { sessionId: id } }))) row.remove();
      };
      const row = h(
        "div",
        { class: "row" },
        h(
          "div",
          { class: "row-text" },
          h("span", { class: "name" }, deviceName(device)),
          h("span", { class: "quiet small" }, `${address} · ${formatAge(lastUsedAt)}`),
        ),
        current
          ? h("span", { class: "badge" }, t("this_device"))
          : h("button", { type: "button", class: "button", onclick: end }, t("end_session")),
      );
      return row;
    },
    empty: () => emptyState(t("no_one")),
    signal,
  });
  const others = h(
    "button",
    {
      type: "button",
      class: "button",
      onclick: async () => {
        if (await attempt(() => api.delete("/auth/sessions"))) await list.reload();
      },
    },
    t("end_other_sessions"),
  );
  return part(t("sessions"), list.element, others);
}

/** @param {string | null} userAgent */
function deviceName(userAgent) {
  const browser = userAgent?.match(/(Firefox|Edg|Chrome|Safari)\//)?.[1];
  const system = userAgent?.match(/(Android|iPhone|iPad|Windows|Mac OS X|Linux)/)?.[1];
  return browser
    ? [browser.replace("Edg", "Edge"), system].filter(Boolean).join(", ")
    : (userAgent ?? t("unknown_device"));
}
