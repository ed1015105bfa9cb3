/**
 * Single jobs: a search by id, and those that wait for a later time.
 * @module
 */

import { api } from "../client/api.js";
import { fill, h } from "../client/dom.js";
import { formatTime } from "../client/i18n.js";
import { openDialog } from "../client/components/dialogs.js";
import { emptyState } from "../client/components/lists.js";
import { attempt } from "../client/components/problems.js";
import { figure, table, time } from "./tables.js";

/** @import { Job, Queue } from "./types.js" */

/** Return a form that finds a job by its id and shows it. */
export function jobSearch() {
  const input = h("input", {
    type: "search",
    class: "input search",
    inputmode: "numeric",
    pattern: "[0-9]{1,16}",
    "aria-label": "Job id",
    placeholder: "Job id",
  });
  return h(
    "form",
    {
      role: "search",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        const jobId = input.value.trim();
        if (jobId) void attempt(async () => showJob(await api.get("/jobs/{jobId}", { path: { jobId } })));
      },
    },
    input,
  );
}

/** @param {Job} job */
export function showJob(job) {
  const attempts = job.history.map(({ attempt: number, at, error }) => [figure(number), time(at), error]);
  openDialog(job.kind, () => [
    h(
      "p",
      { class: "badges" },
      h("span", { class: "badge" }, job.queue),
      h("span", { class: job.state === "failed" ? "badge warning" : "badge" }, job.state),
      h("span", { class: "quiet small" }, `Job ${job.id}, due ${formatTime(job.runAt)}, ${job.attempts} attempts`),
    ),
    h("h3", null, "Payload"),
    h("pre", { tabIndex: 0, role: "region", "aria-label": "Payload" }, JSON.stringify(job.payload, null, 2)),
    attempts.length > 0 && h("h3", null, "Attempts"),
    attempts.length > 0 && table(["No.", "When", "Error"], attempts, "Attempts"),
  ]);
}

/**
 * @param {Queue["name"]} queue
 * @param {AbortSignal} signal
 */
export async function delayedJobs(queue, signal) {
  const path = { queue };
  const list = h("div", { class: "cards" });
  const startAll = h(
    "button",
    { type: "button", class: "button", onclick: () => promote({ all: true }) },
    "Start all attempts now",
  );

  async function reload() {
    const { items } = await api.get("/queues/{queue}/delayed", { path, query: { limit: 100 }, signal });
    startAll.hidden = !items.some(({ promotable }) => promotable);
    fill(
      list,
      items.length ? items.map(row) : emptyState("No delayed jobs", `No job of ${queue} waits for a later time.`),
    );
  }

  /** @param {{ ids: string[] } | { all: true }} body */
  async function promote(body) {
    if (await attempt(() => api.post("/queues/{queue}/promote", { path, body }))) await attempt(reload);
  }

  /** @param {Job} job */
  function row(job) {
    return h(
      "article",
      { class: "card-row", "aria-label": `Job ${job.id}` },
      h(
        "div",
        { class: "row-text" },
        h("b", null, job.kind),
        h("span", { class: "quiet small" }, `Job ${job.id}, due ${formatTime(job.runAt)}, ${job.attempts} attempts`),
      ),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "button", onclick: () => showJob(job) }, "Details"),
        job.promotable
          ? h(
              "button",
              { type: "button", class: "button primary", onclick: () => promote({ ids: [job.id] }) },
              "Start now",
            )
          : h("span", { class: "badge" }, "scheduled"),
      ),
    );
  }

  await reload();
  return h(
    "div",
    null,
    h("p", null, h("a", { class: "link", href: "/admin/queues" }, "All queues"), ` / ${queue}: delayed jobs`),
    h("div", { class: "buttons start" }, startAll),
    list,
  );
}
