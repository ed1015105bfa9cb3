/**
 * The place of a post: one that others have used, or a new one with the position of the device or one that is typed.
 * @module
 */

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { combobox } from "./combobox.js";
import { openDialog } from "./dialogs.js";
import { field, form } from "./forms.js";
import { icon } from "./icons.js";

/** @typedef {{ id?: string, name: string, lat: number, lng: number, postsCount?: number }} ChosenPlace */

/**
 * Return the field.
 * @param {ChosenPlace | null} start
 * @param {() => void} changed
 */
export function placePicker(start, changed) {
  let place = start;
  const element = h("div", { "data-field": "place" });
  const search = combobox({
    label: t("place"),
    placeholder: t("place_hint"),
    find: async (q, signal) => {
      const { items } = await api.get("/places", { query: { q, limit: 6 }, signal });
      /** @type {ChosenPlace[]} */
      const found = items;
      return [...found, { name: q, lat: NaN, lng: NaN }];
    },
    render: (found) => [
      icon(found.id ? "pin" : "plus"),
      h(
        "span",
        { class: "row-text" },
        h("span", { class: "name", dir: "auto" }, found.id ? found.name : t("add_place", { name: found.name })),
        found.id && h("span", { class: "quiet small" }, t("posts_count", { count: found.postsCount ?? 0 })),
      ),
    ],
    choose: (found) => (found.id ? choose(found) : locate(found.name)),
  });

  /** @param {ChosenPlace | null} chosen */
  function choose(chosen) {
    place = chosen;
    show();
    changed();
    const next = element.querySelector(chosen ? "button" : "input");
    if (next instanceof HTMLElement) next.focus();
  }

  function show() {
    fill(
      element,
      place
        ? [
            h("p", { class: "label" }, t("place")),
            h(
              "div",
              { class: "chosen-place" },
              icon("pin"),
              h("span", { class: "grow strong", dir: "auto" }, place.name),
              h(
                "button",
                {
                  type: "button",
                  class: "icon-button small",
                  "aria-label": t("remove_place", { name: place.name }),
                  onclick: () => choose(null),
                },
                icon("close"),
              ),
            ),
          ]
        : search,
    );
  }

  /** Ask where a new place is. @param {string} name */
  function locate(name) {
    openDialog(t("new_place"), (close) => {
      const note = h("p", { class: "hint", role: "status" });
      const latitude = field(t("latitude"), "lat", { inputMode: "decimal", dir: "ltr", required: true });
      const longitude = field(t("longitude"), "lng", { inputMode: "decimal", dir: "ltr", required: true });
      const here = h(
        "button",
        {
          type: "button",
          class: "button",
          onclick: () => {
            fill(note, t("locating"));
            navigator.geolocation.getCurrentPosition(
              ({ coords }) => {
                fill(note);
                setValue(latitude, coords.latitude);
                setValue(longitude, coords.longitude);
              },
              () => fill(note, t("location_refused")),
            );
          },
        },
        icon("pin"),
        t("use_position"),
      );
      return [
        form(
          {
            action: t("use_place"),
            submit: async ({ name: typed = "", lat = "", lng = "" }) => {
              const position = { lat: Number(lat.replace(",", ".")), lng: Number(lng.replace(",", ".")) };
              if (!lat.trim() || !lng.trim() || !isOnEarth(position)) return void fill(note, t("position_invalid"));
              close();
              choose({ name: typed.trim() || name, ...position });
            },
          },
          field(t("name"), "name", { value: name, dir: "auto", required: true }),
          h("div", { class: "pair" }, latitude, longitude),
          "geolocation" in navigator && here,
          note,
        ),
      ];
    });
  }

  show();
  return { element, value: () => place };
}

/** @param {HTMLElement} row @param {number} value */
function setValue(row, value) {
  const input = row.querySelector("input");
  if (input) input.value = value.toFixed(5);
}

/** @param {{ lat: number, lng: number }} position */
function isOnEarth({ lat, lng }) {
  return Math.abs(lat) <= 90 && Math.abs(lng) <= 180;
}
