/**
 * Tables, figures and small charts of the console.
 * @module
 */

import { h, svg } from "../client/dom.js";
import { currentLanguage, formatAge, formatTime } from "../client/i18n.js";

/** @import { Child } from "../client/dom.js" */

/**
 * Return a table.
 * @param {string[]} heads
 * @param {Child[][]} rows
 * @param {string} caption for screen readers
 */
export function table(heads, rows, caption) {
  return h(
    "div",
    { class: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      { class: "data" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          heads.map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
      h(
        "tbody",
        null,
        rows.map((cells) =>
          h(
            "tr",
            null,
            cells.map((cell) => h("td", null, cell)),
          ),
        ),
      ),
    ),
  );
}

/** @param {number} value */
export function figure(value) {
  return h("span", { class: "figure" }, value.toLocaleString(currentLanguage()));
}

/** @param {string | null | undefined} timestamp */
export function time(timestamp) {
  return timestamp ? h("time", { title: formatTime(timestamp) }, formatAge(timestamp)) : "–";
}

/** Return seconds in the unit that suits them. @param {number | null} seconds */
export function duration(seconds) {
  if (seconds === null) return "–";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

const WIDTH = 120;
const HEIGHT = 28;

/**
 * Return a line of the last values, scaled to the largest one.
 * @param {number[]} values
 * @param {string} label
 */
export function sparkline(values, label) {
  const largest = Math.max(1, ...values);
  // One value is a level line.
  const drawn = values.length === 1 ? [...values, ...values] : values;
  const step = WIDTH / Math.max(1, drawn.length - 1);
  const points = drawn.map(
    (value, index) => `${(index * step).toFixed(1)},${(HEIGHT - 2 - (value / largest) * (HEIGHT - 4)).toFixed(1)}`,
  );
  const line = svg("polyline", { points: points.join(" ") });
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "sparkline", role: "img", "aria-label": label }, line);
}
