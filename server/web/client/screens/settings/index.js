/**
 * Settings: a list of sections, each on a separate page.
 * @module
 */

import { api } from "../../api.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { icon } from "../../components/icons.js";
import { attempt } from "../../components/problems.js";
import { appearanceSection } from "./appearance.js";
import { closeFriendsSection } from "./close-friends.js";
import { dataSection } from "./data.js";
import { interactionsSection } from "./interactions.js";
import { notificationSection } from "./notifications.js";
import { privacySection } from "./privacy.js";
import { profileSection } from "./profile.js";
import { securitySection } from "./security.js";

/** @import { Place, Screen } from "../../router.js" */

/** @type {Record<string, (place: Place) => Promise<HTMLElement> | HTMLElement>} */
const SECTIONS = {
  profile: profileSection,
  privacy: privacySection,
  "close-friends": closeFriendsSection,
  interactions: interactionsSection,
  notifications: notificationSection,
  security: securitySection,
  appearance: appearanceSection,
  data: dataSection,
};

/** @returns {Screen} */
export function settingsScreen() {
  const links = Object.keys(SECTIONS).map((name) =>
    h(
      "a",
      { class: "row", href: `/app/settings/${name}` },
      h(
        "span",
        { class: "row-text" },
        h("span", { class: "name" }, label(name)),
        h("span", { class: "quiet small" }, note(name)),
      ),
      icon("next"),
    ),
  );
  const out = h(
    "button",
    { type: "button", class: "button wide", onclick: () => attempt(() => api.signOut()) },
    t("sign_out"),
  );
  return {
    element: h("div", { class: "column" }, h("h1", null, t("settings")), h("nav", { class: "list" }, links), out),
    title: t("settings"),
  };
}

/**
 * @param {Place} place
 * @returns {Promise<Screen>}
 */
export async function settingsSectionScreen(place) {
  const name = place.parameters.section ?? "";
  const section = SECTIONS[name];
  if (!section) throw new Error("not_found");
  const back = h("a", { class: "icon-button", href: "/app/settings", "aria-label": t("settings") }, icon("back"));
  const element = h(
    "div",
    { class: "column settings" },
    h("div", { class: "section-head start" }, back, h("h1", null, label(name))),
    await section(place),
  );
  return { element, title: label(name) };
}

/** @param {Place} place */
export function exportScreen(place) {
  return settingsSectionScreen({ ...place, parameters: { section: "data", show: "export" } });
}

/** @param {string} name */
function label(name) {
  return t(/** @type {any} */ (`settings.${name}`));
}

/** @param {string} name */
function note(name) {
  return t(/** @type {any} */ (`settings.${name}_note`));
}
