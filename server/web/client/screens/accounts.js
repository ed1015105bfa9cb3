/**
 * Signing in, with a password, a second factor or a passkey; registering; and what the links in account e-mails do.
 * @module
 */

import { ApiError, signInWithPasskey } from "../../sdk/index.js";
import { api, canUsePasskeys } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { field, form } from "../components/forms.js";
import { currentPasswordField, newPasswordField } from "../components/passwords.js";
import { report } from "../components/problems.js";

/** @import { Child } from "../dom.js" */
/** @import { Place, Screen } from "../router.js" */

const NAME_CHECK_MS = 350;

/**
 * @param {string} title
 * @param {...Child} children
 * @returns {Screen}
 */
function card(title, ...children) {
  const brand = h("p", { class: "brand" }, "photofeed");
  return { element: h("div", { class: "card" }, brand, h("h1", null, title), ...children), title };
}

/** @returns {Screen} */
export function signInScreen() {
  const body = signInForm(
    h("p", { class: "center" }, h("a", { href: "/forgot-password" }, t("forgot_password"))),
    h("hr"),
    h("p", { class: "center" }, t("no_account"), " ", h("a", { class: "strong", href: "/sign-up" }, t("sign_up"))),
  );
  return card(t("sign_in"), body);
}

/**
 * Return the form that signs in, in as many steps as the account needs.
 * @param {...Child} more what stands below it in the first step
 */
export function signInForm(...more) {
  const body = h("div");
  const passkey = h(
    "button",
    { type: "button", class: "button wide", hidden: true, onclick: usePasskey },
    t("use_passkey"),
  );
  void canUsePasskeys().then((can) => (passkey.hidden = !can));

  async function usePasskey() {
    try {
      await signInWithPasskey(api);
    } catch (error) {
      if (!(error instanceof DOMException)) report(error); // a DOMException: the user cancelled
    }
  }

  fill(
    body,
    form(
      {
        action: t("sign_in"),
        submit: async ({ username = "", password = "" }) => {
          const answer = await api.signIn({ username, password });
          if ("secondFactor" in answer) fill(body, secondFactorForm(answer.secondFactor));
        },
      },
      field(t("username_or_email"), "username", {
        autocomplete: "username webauthn",
        autocapitalize: "none",
        required: true,
        dir: "ltr",
        autofocus: true,
      }),
      currentPasswordField(),
    ),
    passkey,
    ...more,
  );
  return body;
}

/** @param {import("../../sdk/types.js").SignInChallenge} challenge */
function secondFactorForm(challenge) {
  return form(
    {
      action: t("continue"),
      submit: ({ code = "" }) => api.completeSignIn(challenge, code),
    },
    field(t("code"), "code", {
      autocomplete: "one-time-code",
      inputMode: "numeric",
      required: true,
      dir: "ltr",
      autofocus: true,
      hint: t("code_hint"),
    }),
  );
}

/** @returns {Screen} */
export function signUpScreen() {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const username = field(t("username"), "username", {
    autocomplete: "username",
    autocapitalize: "none",
    required: true,
    dir: "ltr",
    hint: t("username_hint"),
    oninput: (/** @type {any} */ event) => {
      clearTimeout(timer);
      timer = setTimeout(() => check(event.target.value), NAME_CHECK_MS);
    },
  });

  /** @param {string} name */
  async function check(name) {
    const note = username.querySelector("[data-hint]");
    if (!note || name.length < 3) return;
    try {
      const answer = await api.get("/auth/available", { query: { username: name }, authenticated: false });
      note.textContent = t(answer.username ? "username_free" : "username_taken");
      note.classList.toggle("error", answer.username === false);
    } catch (error) {
      if (!(error instanceof ApiError)) return;
      note.textContent = Object.values(error.fields).flat().join(" ") || error.message;
      note.classList.add("error");
    }
  }

  return card(
    t("sign_up"),
    form(
      {
        action: t("sign_up"),
        submit: async ({ username: name = "", email = "", password = "", fullName = "" }) => {
          await api.register({ username: name, email, password, ...(fullName && { fullName }) });
        },
      },
      field(t("email"), "email", { type: "email", autocomplete: "email", required: true, dir: "ltr" }),
      field(t("full_name"), "fullName", { autocomplete: "name", dir: "auto" }),
      username,
      newPasswordField(t("password"), "password"),
    ),
    h("hr"),
    h("p", { class: "center" }, t("have_account"), " ", h("a", { class: "strong", href: "/sign-in" }, t("sign_in"))),
  );
}

/** @returns {Screen} */
export function forgotPasswordScreen() {
  const body = h("div");
  fill(
    body,
    form(
      {
        action: t("send_link"),
        submit: async ({ email = "" }) => {
          await api.post("/auth/forgot-password", { body: { email }, authenticated: false });
          fill(body, h("p", { role: "status" }, t("link_sent", { email })));
        },
      },
      h("p", { class: "quiet" }, t("forgot_text")),
      field(t("email"), "email", { type: "email", autocomplete: "email", required: true, dir: "ltr" }),
    ),
  );
  return card(t("forgot_password"), body, toSignIn());
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function resetPasswordScreen({ query }) {
  return newPassword(query.get("token") ?? "");
}

/** @param {string} token */
function newPassword(token) {
  const body = h("div");
  fill(
    body,
    form(
      {
        action: t("save_changes"),
        submit: async ({ newPassword: password = "" }) => {
          const { deviceToken } = await api.post("/auth/reset-password", {
            body: { token, newPassword: password },
            authenticated: false,
          });
          api.session.keepDeviceToken(deviceToken);
          fill(body, h("p", { role: "status" }, t("password_changed")));
        },
      },
      newPasswordField(t("new_password"), "newPassword"),
    ),
  );
  return card(t("new_password"), body, toSignIn());
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function verifyEmailScreen({ query }) {
  const token = query.get("token") ?? "";
  const body = h("div");
  fill(
    body,
    form(
      {
        action: t("verify_email"),
        submit: async () => {
          await api.post("/auth/verify-email", { body: { token }, authenticated: false });
          fill(
            body,
            h("p", { role: "status" }, t("email_verified")),
            h("p", { class: "center" }, h("a", { class: "button primary", href: "/" }, t("continue"))),
          );
        },
      },
      h("p", null, t("verify_email_text")),
    ),
  );
  return card(t("verify_email"), body);
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function recoverAccountScreen({ query }) {
  const token = query.get("token") ?? "";
  const body = h("div");
  fill(
    body,
    form(
      {
        action: t("recover_account"),
        submit: async () => {
          const { resetToken } = await api.post("/auth/recover-account", {
            body: { token },
            authenticated: false,
          });
          fill(body, h("p", { role: "status" }, t("account_recovered")), newPassword(resetToken).element);
        },
      },
      h("p", null, t("recover_account_text")),
    ),
  );
  return card(t("recover_account"), body);
}

/**
 * @param {Place} place
 * @returns {Screen}
 */
export function appealScreen({ query }) {
  const token = query.get("token") ?? "";
  const body = h("div");
  fill(
    body,
    form(
      {
        action: t("send_appeal"),
        submit: async ({ comment = "" }) => {
          await api.post("/moderation/appeals/by-token", { body: { token, comment }, authenticated: false });
          fill(body, h("p", { role: "status" }, t("appeal_sent")));
        },
      },
      h("p", null, t("appeal_text")),
      field(t("appeal_comment"), "comment", { multiline: true, rows: 5, required: true, dir: "auto" }),
    ),
  );
  return card(t("appeal"), body);
}

function toSignIn() {
  return h("p", { class: "center" }, h("a", { href: "/sign-in" }, t("sign_in")));
}
