/**
 * Light or dark: as the system has it, or as the user chose.
 * @module
 */

export const THEMES = /** @type {const} */ (["system", "light", "dark"]);
const STORED = "photofeed.theme";

/** @typedef {(typeof THEMES)[number]} Theme */

/** @returns {Theme} */
export function currentTheme() {
  const stored = localStorage.getItem(STORED);
  return THEMES.find((theme) => theme === stored) ?? "system";
}

/** @param {Theme} theme */
export function chooseTheme(theme) {
  localStorage.setItem(STORED, theme);
  applyTheme();
}

export function applyTheme() {
  const theme = currentTheme();
  document.documentElement.style.setProperty("color-scheme", theme === "system" ? "light dark" : theme);
}
