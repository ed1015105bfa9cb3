/**
 * Figures that are read again and again while their page is shown.
 * @module
 */

import { fill, h } from "../client/dom.js";
import { describe } from "../client/components/problems.js";

/** @import { Child } from "../client/dom.js" */

const REFRESH_MS = 2000;

/**
 * Return an element whose content is rendered again every two seconds. While that fails, it says why and keeps the last.
 * @param {AbortSignal} signal
 * @param {() => Promise<Child[]>} render
 */
export function live(signal, render) {
  const problem = h("p", { class: "form-error", role: "alert" });
  const body = h("div", { class: "live" });

  async function refresh() {
    if (signal.aborted) return;
    try {
      // An open list of values would be closed.
      if (!document.hidden && !body.querySelector("details[open]")) {
        const children = await render();
        problem.textContent = "";
        const focused = body.contains(document.activeElement) && document.activeElement?.getAttribute("aria-label");
        fill(body, ...children);
        if (focused) /** @type {HTMLElement | null} */ (body.querySelector(`[aria-label="${focused}"]`))?.focus();
      }
    } catch (error) {
      if (signal.aborted) return;
      problem.textContent = describe(error);
    }
    setTimeout(refresh, REFRESH_MS);
  }

  void refresh();
  return h("div", null, problem, body);
}
