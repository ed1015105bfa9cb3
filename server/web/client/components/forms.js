/**
 * Forms: fields with labels, errors by field, and a button that works once. What was typed stays until it was accepted.
 * @module
 */

import { ApiError } from "../../sdk/index.js";
import { append, h, uniqueId } from "../dom.js";
import { describe } from "./problems.js";

/** @import { Attributes, Child } from "../dom.js" */

/**
 * Return a labelled input. Other attributes belong to the input.
 * @param {string} label
 * @param {string} name of the member in the request, by which its errors are found
 * @param {Attributes & { hint?: string, multiline?: boolean }} [attributes]
 */
export function field(label, name, { hint, multiline = false, ...attributes } = {}) {
  const id = uniqueId(name);
  const described = `${id}-note`;
  const input = h(multiline ? "textarea" : "input", {
    id,
    name,
    class: "input",
    "aria-describedby": described,
    ...attributes,
  });
  return h(
    "div",
    { class: "field", "data-field": name },
    h("label", { for: id }, label),
    input,
    h("p", { class: "hint", id: described, "data-hint": hint ?? "" }, hint),
  );
}

/**
 * Return a switch with a label.
 * @param {string} label
 * @param {string} name
 * @param {Attributes & { hint?: string }} [attributes]
 */
export function toggle(label, name, { hint, ...attributes } = {}) {
  const id = uniqueId(name);
  const input = h("input", { id, name, type: "checkbox", role: "switch", class: "switch", ...attributes });
  return h(
    "div",
    { class: "toggle", "data-field": name },
    h("label", { for: id }, h("span", null, label), hint && h("small", null, hint)),
    input,
  );
}

/** @typedef {(values: Record<string, string>, form: HTMLFormElement) => Promise<unknown>} Submit */

/**
 * Return a form. `submit` gets the texts by name and may throw: errors by field stand at the fields, others above the
 * button.
 * @param {object} options
 * @param {string} options.action the name of the button
 * @param {Submit} options.submit
 * @param {{ action: string, submit: Submit }[]} [options.others] further buttons that send the form
 * @param {string} [options.class]
 * @param {...Child} children
 */
export function form({ action, submit, others = [], class: name = "form" }, ...children) {
  const problem = h("p", { class: "form-error", role: "alert" });
  const button = h("button", { class: "button primary", type: "submit" }, action);
  const more = others.map((other) => h("button", { class: "button", type: "submit" }, other.action));
  const buttons = [button, ...more];
  const element = h("form", { class: name, novalidate: true });
  // The first button in the document is the one that Enter presses.
  append(element, [...children, problem, others.length ? h("div", { class: "buttons start" }, buttons) : button]);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    clearErrors(element);
    problem.textContent = "";
    for (const each of buttons) each.disabled = true;
    element.setAttribute("aria-busy", "true");
    try {
      const values = [...new FormData(element)].filter(([, value]) => typeof value === "string");
      const send = others[more.findIndex((each) => each === event.submitter)]?.submit ?? submit;
      await send(/** @type {any} */ (Object.fromEntries(values)), element);
    } catch (error) {
      const rest = showFieldErrors(element, error);
      if (rest) problem.textContent = rest;
    } finally {
      for (const each of buttons) each.disabled = false;
      element.removeAttribute("aria-busy");
    }
  });
  return element;
}

/** @param {HTMLElement} element */
function clearErrors(element) {
  for (const note of element.querySelectorAll("[data-hint]")) {
    note.textContent = note.getAttribute("data-hint");
    note.classList.remove("error");
  }
  for (const input of element.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

/**
 * Show the messages at their fields, and return the text that belongs to none.
 * @param {HTMLElement} element
 * @param {unknown} error
 */
function showFieldErrors(element, error) {
  if (!(error instanceof ApiError)) return describe(error);
  let shown = false;
  for (const [name, texts] of Object.entries(error.fields)) {
    const place = element.querySelector(`[data-field="${CSS.escape(name)}"]`);
    const note = place?.querySelector("[data-hint]");
    if (!place || !note) continue;
    note.textContent = texts.join(" ");
    note.classList.add("error");
    const input = place.querySelector("input, textarea");
    input?.setAttribute("aria-invalid", "true");
    if (!shown && input instanceof HTMLElement) input.focus();
    shown = true;
  }
  return shown ? "" : describe(error);
}
