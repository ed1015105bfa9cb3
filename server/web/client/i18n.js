/**
 * Texts in the language of the user, with plurals, numbers and dates of that language.
 * @module
 */

import english from "./locales/en.js";

/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Message */
/** @typedef {keyof typeof english} Key */

/** The languages, by their own names. */
export const LANGUAGES = { en: "English", ar: "العربية" };
const RIGHT_TO_LEFT = ["ar"];
const STORED = "photofeed.language";

let language = "en";
/** @type {Record<string, Message>} */
let messages = english;
let plurals = new Intl.PluralRules("en");
let counts = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
let relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });

export function currentLanguage() {
  return language;
}

/** Load the language that the user chose, or else that of the browser. */
export async function loadLanguage() {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages].map((each) => each?.split("-")[0] ?? "");
  language = wanted.find((each) => each in LANGUAGES) ?? "en";
  if (language !== "en") messages = { ...english, ...(await import(`./locales/${language}.js`)).default };
  plurals = new Intl.PluralRules(language);
  counts = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "narrow" });
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
}

/** @param {keyof typeof LANGUAGES} chosen */
export function chooseLanguage(chosen) {
  localStorage.setItem(STORED, chosen);
  location.reload();
}

/**
 * Return a text. `count` selects its plural form; other values replace `{name}`.
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return parts(key, values).join("");
}

/**
 * Return a text in which values may be elements, such as links, as a list of children.
 * @param {Key} key
 * @param {Record<string, string | number | Node>} values
 * @returns {(string | Node)[]}
 */
export function parts(key, values) {
  const message = messages[key] ?? key;
  const count = Number(values.count ?? 0);
  const text = typeof message === "string" ? message : (message[plurals.select(count)] ?? message.other ?? "");
  return text.split(/\{(\w+)\}/).map((piece, index) => {
    if (index % 2 === 0) return piece;
    const value = values[piece] ?? "";
    if (value instanceof Node) return value;
    return typeof value === "number" ? formatCount(value) : value;
  });
}

/** @param {string} key */
export function hasText(key) {
  return key in messages;
}

/** Return a number in a short form, such as 12K. @param {number} count */
export function formatCount(count) {
  return counts.format(count);
}

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** Return how long ago a time was, or its date after four weeks. @param {string} timestamp */
export function formatAge(timestamp) {
  const date = new Date(timestamp);
  const seconds = (Date.now() - date.getTime()) / 1000;
  if (seconds > 28 * 86_400) return date.toLocaleDateString(language, { dateStyle: "medium" });
  const found = UNITS.find(([, length]) => seconds >= length);
  return found ? relative.format(-Math.floor(seconds / found[1]), found[0]) : relative.format(0, "second");
}

/** Return a date and time in full. @param {string} timestamp */
export function formatTime(timestamp) {
  return new Date(timestamp).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}
