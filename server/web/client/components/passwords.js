/**
 * Fields for passwords.
 * @module
 */

import { t } from "../i18n.js";
import { field } from "./forms.js";

const MIN_LENGTH = 8;

/**
 * Return the field for the password that the user has.
 * @param {string} [label]
 * @param {string} [name] of the member in the request
 */
export function currentPasswordField(label = t("password"), name = "password") {
  return field(label, name, { type: "password", autocomplete: "current-password", required: true });
}

/**
 * Return the field for a password that the user chooses.
 * @param {string} label
 * @param {string} name of the member in the request
 */
export function newPasswordField(label, name) {
  return field(label, name, {
    type: "password",
    autocomplete: "new-password",
    required: true,
    minLength: MIN_LENGTH,
    hint: t("password_hint", { count: MIN_LENGTH }),
  });
}
