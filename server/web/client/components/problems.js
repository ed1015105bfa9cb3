/**
 * What went wrong, said where it happened.
 * @module
 */

import { ApiError, NetworkError, SignedOutError } from "../../sdk/index.js";
import { h } from "../dom.js";
import { hasText, t } from "../i18n.js";
import { showMessage } from "./dialogs.js";

/** The form of a post was sent without a picture. */
export class MissingPictures extends Error {}

/** @import { Key } from "../i18n.js" */

/**
 * Return a sentence about an error, in the language of the user where there is one.
 * @param {unknown} error
 */
export function describe(error) {
  if (error instanceof NetworkError) return t(navigator.onLine ? "errors.unreachable" : "errors.offline");
  if (error instanceof MissingPictures) return t("choose_photos_first");
  if (error instanceof SignedOutError) return t("errors.signed_out");
  if (!(error instanceof ApiError)) return t("errors.unexpected");
  const key = `errors.${error.code}`;
  if (hasText(key)) return t(/** @type {Key} */ (key));
  if (error.status === 429) return t("errors.throttled", { count: Math.ceil((error.retryAfterMs ?? 60_000) / 1000) });
  return error.message;
}

/**
 * Run an action, and show a message if it fails. Returns whether it succeeded.
 * @param {() => Promise<unknown>} action
 */
export async function attempt(action) {
  try {
    await action();
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}

/** @param {unknown} error */
export function report(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (!(error instanceof ApiError || error instanceof NetworkError || error instanceof SignedOutError))
    console.error(error);
  showMessage(describe(error));
}

/**
 * Return a block that says what failed, with a button to try again.
 * @param {unknown} error
 * @param {() => unknown} again
 */
export function failure(error, again) {
  return h(
    "div",
    { class: "empty", role: "alert" },
    h("p", null, describe(error)),
    h("button", { class: "button", type: "button", onclick: again }, t("try_again")),
  );
}
