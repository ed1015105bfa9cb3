/**
 * Icons, drawn as lines on a grid of 24.
 * @module
 */

import { svg } from "../dom.js";

const PATHS = {
  home: "M3 11.5 12 4l9 7.5V20a1 1 0 0 1-1 1h-5v-6h-6v6H4a1 1 0 0 1-1-1z",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 21 21",
  explore: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM15.8 8.2l-2.2 5.4-5.4 2.2 2.2-5.4z",
  plus: "M12 5v14M5 12h14",
  publish:
    "M5 4h14a1.5 1.5 0 0 1 1.5 1.5v13A1.5 1.5 0 0 1 19 20H5a1.5 1.5 0 0 1-1.5-1.5v-13A1.5 1.5 0 0 1 5 4zM12 8v8M8 12h8",
  heart:
    "M12 20.5S3.5 15.6 3.5 9.4A4.7 4.7 0 0 1 8.2 4.6c1.6 0 3 .9 3.8 2.2.8-1.3 2.2-2.2 3.8-2.2a4.7 4.7 0 0 1 4.7 4.8c0 6.2-8.5 11.1-8.5 11.1z",
  comment: "M20.5 12a8.5 8.5 0 0 1-12.3 7.6L3.5 20.5l1-4.6A8.5 8.5 0 1 1 20.5 12z",
  share: "M4 12.5V19a1.5 1.5 0 0 0 1.5 1.5h13A1.5 1.5 0 0 0 20 19v-6.5M12 3.5v12M7.5 8 12 3.5 16.5 8",
  bookmark: "M6 4h12a.8.8 0 0 1 .8.8V20.5L12 15.8l-6.8 4.7V4.8A.8.8 0 0 1 6 4z",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14.5 5 7.5 12l7 7",
  next: "M9.5 5l7 7-7 7",
  check: "M5 12.5 10 17.5 19.5 7",
  settings: "M4 7h9M17 7h3M15 4.5v5M4 17h3M11 17h9M9 14.5v5",
  profile: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20.5c.6-4 3.7-6 7.5-6s6.9 2 7.5 6",
  pin: "M12 21s6.5-6.1 6.5-11A6.5 6.5 0 0 0 5.5 10c0 4.9 6.5 11 6.5 11zM12 7.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z",
  lock: "M6 11h12a1 1 0 0 1 1 1v7.5a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V12a1 1 0 0 1 1-1zM8 11V8a4 4 0 0 1 8 0v3",
  camera:
    "M4 8h3.5L9 5.5h6L16.5 8H20a1 1 0 0 1 1 1v9.5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  crop: "M7 2.5V17h14.5M2.5 7H17v14.5",
  trash: "M4.5 6.5h15M9 6.5V4h6v2.5M6.5 6.5 7.3 20.5h9.4l.8-14M10 10.5v6M14 10.5v6",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  tag: "M9.5 4 7 20M17 4l-2.5 16M4.5 9h16M3.5 15h16",
  bell: "M12 3.5a6 6 0 0 0-6 6c0 5-2 6.5-2 6.5h16s-2-1.5-2-6.5a6 6 0 0 0-6-6zM10 19.5a2.2 2.2 0 0 0 4 0",
  pushpin: "M9 3.5h6l-.6 6.2 3.1 3.3v1.5h-11V13l3.1-3.3zM12 14.5v6.5",
  people:
    "M9 5a3.3 3.3 0 1 0 0 6.6A3.3 3.3 0 0 0 9 5zM3 19.5c.4-3.4 2.8-5 6-5s5.6 1.6 6 5M15.5 5.3a3.2 3.2 0 0 1 0 6M17.4 14.9c2 .6 3.3 2.1 3.6 4.6",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2.2",
  archive: "M3.5 4.5h17v4h-17zM5 8.5h14v11H5zM9.5 12.5h5",
  edit: "M4 20l1-4.5L16.2 4.3a1.6 1.6 0 0 1 2.3 0l1.2 1.2a1.6 1.6 0 0 1 0 2.3L8.5 19z",
  stack: "M4 8h12v12H4zM8 8V4h12v12h-4",
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * Return an icon. It is hidden from screen readers: the element around it has the name.
 * @param {IconName} name
 * @param {{ filled?: boolean }} [options]
 */
export function icon(name, { filled = false } = {}) {
  const path = svg("path", { d: PATHS[name] });
  return svg("svg", { viewBox: "0 0 24 24", class: filled ? "icon filled" : "icon", "aria-hidden": "true" }, path);
}
