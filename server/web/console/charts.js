/**
 * Line charts and bars of the console, each with its values as a table.
 * @module
 */

import { h, svg } from "../client/dom.js";
import { currentLanguage, formatTime } from "../client/i18n.js";
import { table } from "./tables.js";

const WIDTH = 320;
const HEIGHT = 96;
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * A line of a chart; `tone` is a class with the colour of the line.
 * @typedef {{ name: string, tone: string, values: number[] }} Line
 */

/**
 * Return lines over the same points in time, scaled to the largest value.
 * @param {string} title
 * @param {string[]} times timestamps
 * @param {Line[]} lines
 */
export function lineChart(title, times, lines) {
  const largest = Math.max(1, ...lines.flatMap(({ values }) => values));
  const step = WIDTH / Math.max(1, times.length - 1);
  const drawn = lines
    .filter(({ values }) => values.some(Boolean))
    .map(({ tone, values }) => {
      const points = values.map(
        (value, index) => `${(index * step).toFixed(1)},${(HEIGHT - 2 - (value / largest) * (HEIGHT - 6)).toFixed(1)}`,
      );
      return svg("polyline", { points: points.join(" "), class: tone });
    });
  const rows = times.map((time, index) => [formatTime(time), ...lines.map(({ values }) => number(values[index] ?? 0))]);
  const legend = lines.map(({ name, tone, values }) =>
    h("span", { class: `legend ${tone}` }, `${name}: ${number(values.at(-1) ?? 0)}`),
  );
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", null, h("span", null, title), h("span", { class: "quiet small" }, `at most ${number(largest)}`)),
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}, at most ${number(largest)}` },
      ...drawn,
    ),
    h(
      "p",
      { class: "axis quiet small" },
      [times[0], times.at(-1)].map((time) => h("span", null, time && clock(time))),
    ),
    h("p", { class: "badges" }, legend),
    h(
      "details",
      null,
      h("summary", null, "Values"),
      table(["Time", ...lines.map(({ name }) => name)], rows.reverse(), `${title}: values`),
    ),
  );
}

/**
 * Return a list of bars, scaled to the largest value; the values are texts, so it needs no table.
 * @param {string} title
 * @param {{ name: string, value: number, text: string }[]} items
 */
export function bars(title, items) {
  const largest = Math.max(1, ...items.map(({ value }) => value));
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", null, title),
    h(
      "ul",
      { class: "bars" },
      items.map(({ name, value, text }) =>
        h(
          "li",
          null,
          h("span", null, name),
          h("span", { class: "figure quiet" }, text),
          svg(
            "svg",
            { viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
            svg("rect", { width: value && Math.max(0.5, (value / largest) * 100), height: 4 }),
          ),
        ),
      ),
    ),
  );
}

/** @param {string} timestamp */
function clock(timestamp) {
  return new Date(timestamp).toLocaleTimeString(currentLanguage(), { timeStyle: "short" });
}

/** @param {number} value */
export function number(value) {
  return value.toLocaleString(currentLanguage());
}

/** Return bytes in the unit that suits them. @param {number | null} value */
export function bytes(value) {
  if (value === null) return "–";
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  const scaled = value / 1000 ** unit;
  return `${scaled.toLocaleString(currentLanguage(), { maximumFractionDigits: unit ? 1 : 0 })} ${UNITS[unit]}`;
}
