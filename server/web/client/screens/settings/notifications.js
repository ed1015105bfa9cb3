/**
 * Which notifications arrive by which way.
 * @module
 */

import { disablePush, enablePush, pushSupported } from "../../../sdk/index.js";
import { api } from "../../api.js";
import { h } from "../../dom.js";
import { hasText, t } from "../../i18n.js";
import { showMessage } from "../../components/dialogs.js";
import { toggle } from "../../components/forms.js";
import { attempt } from "../../components/problems.js";

const CHANNELS = /** @type {const} */ (["inApp", "push", "email"]);
const FREQUENCIES = /** @type {const} */ (["immediately", "hourly", "daily", "never"]);

export async function notificationSection() {
  const preferences = /** @type {Record<string, any>} */ (await api.get("/notifications/preferences"));
  const rows = Object.entries(preferences).filter(
    ([, channels]) => typeof channels === "object" && "inApp" in channels,
  );
  return h("div", null, await pushSwitch(), frequencyChoice(preferences.emailFrequency), preferenceTable(rows));
}

/**
 * How often e-mails are sent. A choice that waits for a confirmation of the address springs back.
 * @param {string} chosen
 */
function frequencyChoice(chosen) {
  const select = h(
    "select",
    { id: "emailFrequency", class: "input", "aria-describedby": "emailFrequency-note", onchange: save },
    FREQUENCIES.map((each) => h("option", { value: each, selected: each === chosen }, t(`frequency.${each}`))),
  );
  async function save() {
    const body = /** @type {any} */ ({ emailFrequency: select.value });
    await attempt(async () => {
      const saved = /** @type {any} */ (await api.patch("/notifications/preferences", { body }));
      if (saved.emailFrequency !== select.value) showMessage(t("frequency_unsubscribed"));
      chosen = saved.emailFrequency;
    });
    select.value = chosen;
  }
  return h(
    "div",
    { class: "field", "data-field": "emailFrequency" },
    h("label", { for: "emailFrequency" }, t("frequency")),
    select,
    h("p", { id: "emailFrequency-note", class: "hint" }, t("frequency_hint")),
  );
}

/** A switch for pushes to this browser; nothing if it or the server has none. */
async function pushSwitch() {
  if (!(await pushSupported(api).catch(() => false))) return null;
  const found = await navigator.serviceWorker.getRegistration();
  if (!found) return null;
  const registration = found;
  const subscription = await registration.pushManager.getSubscription();
  return toggle(t("push_here"), "push", {
    checked: subscription !== null,
    hint: t("push_here_hint"),
    onchange: change,
  });

  /** @param {Event} event */
  async function change(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const wanted = input.checked;
    const done = await attempt(async () => {
      if (!wanted) await disablePush(api, registration);
      else if (!(await enablePush(api, registration))) showMessage(t("push_refused"));
      else return;
      input.checked = false;
    });
    if (!done) input.checked = !wanted;
  }
}

/** @param {[string, any][]} rows */
function preferenceTable(rows) {
  return h(
    "table",
    { class: "preferences" },
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        h("td"),
        CHANNELS.map((channel) => h("th", { scope: "col" }, t(`channel.${channel}`))),
      ),
    ),
    h(
      "tbody",
      null,
      rows.map(([type, channels]) => {
        const key = /** @type {any} */ (`type.${type}`);
        const name = hasText(key) ? t(key) : type.replaceAll("_", " ");
        return h(
          "tr",
          null,
          h("th", { scope: "row" }, name),
          CHANNELS.map((channel) => h("td", null, box(type, name, channel, channels[channel]))),
        );
      }),
    ),
  );
}

/**
 * @param {string} type
 * @param {string} name
 * @param {(typeof CHANNELS)[number]} channel
 * @param {boolean} checked
 */
function box(type, name, channel, checked) {
  const input = h("input", {
    type: "checkbox",
    class: "switch",
    role: "switch",
    checked,
    "aria-label": `${name}: ${t(`channel.${channel}`)}`,
    onchange: save,
  });
  async function save() {
    const body = /** @type {any} */ ({ [type]: { [channel]: input.checked } });
    if (!(await attempt(() => api.patch("/notifications/preferences", { body })))) input.checked = !input.checked;
  }
  return input;
}
