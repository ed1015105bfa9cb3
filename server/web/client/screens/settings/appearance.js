/**
 * The language and the colours.
 * @module
 */

import { h } from "../../dom.js";
import { chooseLanguage, currentLanguage, LANGUAGES, t } from "../../i18n.js";
import { chooseTheme, currentTheme, THEMES } from "../../theme.js";

export function appearanceSection() {
  return h(
    "div",
    null,
    h(
      "fieldset",
      { class: "choices" },
      h("legend", null, t("theme")),
      THEMES.map((theme) =>
        h(
          "label",
          null,
          h("input", {
            type: "radio",
            name: "theme",
            value: theme,
            checked: theme === currentTheme(),
            onchange: () => chooseTheme(theme),
          }),
          h("span", null, t(`theme.${theme}`)),
        ),
      ),
    ),
    h(
      "fieldset",
      { class: "choices" },
      h("legend", null, t("language")),
      Object.entries(LANGUAGES).map(([language, name]) =>
        h(
          "label",
          null,
          h("input", {
            type: "radio",
            name: "language",
            value: language,
            checked: language === currentLanguage(),
            onchange: () => chooseLanguage(/** @type {keyof typeof LANGUAGES} */ (language)),
          }),
          h("span", { lang: language }, name),
        ),
      ),
    ),
  );
}
