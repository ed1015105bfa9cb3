/**
 * Job queues, live: depth, rates and age, pausing, and dead letters with their payloads.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { confirm, openDialog } from "../client/components/dialogs.js";
import { emptyState, endlessList } from "../client/components/lists.js";
import { attempt } from "../client/components/problems.js";
import { lineChart } from "./charts.js";
import { delayedJobs, jobSearch } from "./jobs.js";
import { live } from "./live.js";
import { duration, figure, sparkline, table, time } from "./tables.js";

/** @import { Context } from "./main.js" */
/** @import { FailedJob, Queue, QueueSeries } from "./types.js" */

const REFRESH_MS = 2000;
const KEPT_SAMPLES = 60;

/**
 * @param {Context} context
 * @returns {HTMLElement | Promise<HTMLElement>}
 */
export function queuesPage({ query, signal }) {
  const queue = query.get("failed");
  if (queue) return failedJobs(/** @type {Queue["name"]} */ (queue), signal);
  const delayed = query.get("delayed");
  if (delayed) return delayedJobs(/** @type {Queue["name"]} */ (delayed), signal);
  /** Jobs waiting in each queue at the last refreshes. @type {Map<string, number[]>} */
  const history = new Map();

  /** @param {Queue[]} queues */
  function render(queues) {
    const rows = queues.map((each) => {
      const samples = [...(history.get(each.name) ?? []), each.waiting + each.running].slice(-KEPT_SAMPLES);
      history.set(each.name, samples);
      return [
        h("b", null, each.name),
        each.paused
          ? h("span", { class: "badge warning" }, "paused ", time(each.pausedAt))
          : h("span", { class: "badge" }, "running"),
        figure(each.waiting),
        figure(each.running),
        each.delayed ? h("a", { href: `/admin/queues?delayed=${each.name}` }, figure(each.delayed)) : figure(0),
        each.failed
          ? h("a", { class: "danger", href: `/admin/queues?failed=${each.name}` }, figure(each.failed))
          : figure(0),
        duration(each.oldestWaitingS),
        figure(each.completedPerMinute),
        figure(each.failedPerMinute),
        sparkline(samples, `Waiting and running in the last ${(samples.length * REFRESH_MS) / 1000} seconds`),
        h(
          "button",
          {
            type: "button",
            class: "button",
            "aria-label": `${each.paused ? "Resume" : "Pause"} ${each.name}`,
            onclick: () => toggle(each),
          },
          each.paused ? "Resume" : "Pause",
        ),
      ];
    });
    const heads = [
      "Queue",
      "State",
      "Waiting",
      "Running",
      "Delayed",
      "Dead",
      "Oldest",
      "Done/min",
      "Failed/min",
      "Load",
      "Action",
    ];
    return table(heads, rows, "Queues");
  }

  /** @param {Queue} queue */
  async function toggle({ name, paused }) {
    const path = { queue: name };
    await attempt(() =>
      paused ? api.post("/queues/{queue}/resume", { path }) : api.post("/queues/{queue}/pause", { path }),
    );
  }

  return h(
    "div",
    null,
    jobSearch(),
    live(signal, async () => [render((await api.get("/queues", { signal })).items)]),
    h("h2", null, "Last hour"),
    live(signal, async () => [lastHour((await api.get("/queues/history", { signal })).items)]),
  );
}

/** @param {QueueSeries[]} series */
function lastHour(series) {
  const charts = series
    .filter(({ minutes }) => minutes.some((each) => each.unfinished || each.completed || each.failed))
    .map(({ queue, minutes }) =>
      lineChart(
        `${queue}, per minute`,
        minutes.map(({ at }) => at),
        [
          { name: "Waiting and running", tone: "tone-load", values: minutes.map(({ unfinished }) => unfinished) },
          { name: "Completed", tone: "tone-good", values: minutes.map(({ completed }) => completed) },
          { name: "Failed", tone: "tone-bad", values: minutes.map(({ failed }) => failed) },
        ],
      ),
    );
  return charts.length
    ? h("div", { class: "charts" }, charts)
    : h("p", { class: "quiet" }, "No queue had jobs in the last hour.");
}

/**
 * @param {Queue["name"]} queue
 * @param {AbortSignal} signal
 */
function failedJobs(queue, signal) {
  const path = { queue };
  const list = endlessList({
    load: (cursor) => api.get("/queues/{queue}/failed", { path, query: { cursor, limit: 50 } }),
    render: row,
    empty: () =>
      emptyState("No dead letters", `Every job of the queue ${queue} was completed, or will be tried again.`),
    signal,
    class: "cards",
  });

  /** @param {FailedJob} job */
  function row(job) {
    const one = { ids: [job.id] };
    return h(
      "article",
      { class: "card-row", "aria-label": `Job ${job.id}` },
      h(
        "div",
        { class: "row-text" },
        h("b", null, job.kind),
        h("span", { class: "danger" }, job.error),
        h(
          "span",
          { class: "quiet small" },
          `Job ${job.id}, ${job.attempts} attempts, ${job.crashCount} crashes, failed `,
          time(job.failedAt),
        ),
      ),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "button", onclick: () => details(job) }, "Details"),
        h("button", { type: "button", class: "button primary", onclick: () => retry(one) }, "Retry"),
        h("button", { type: "button", class: "button danger", onclick: () => discard(one, "this job") }, "Discard"),
      ),
    );
  }

  /** @param {{ ids: string[] } | { all: true }} chosen */
  async function retry(chosen) {
    if (await attempt(() => api.post("/queues/{queue}/retry", { path, body: chosen }))) void list.reload();
  }

  /**
   * @param {{ ids: string[] } | { all: true }} chosen
   * @param {string} what
   */
  async function discard(chosen, what) {
    if (!(await confirm(`Discard ${what}?`, "What it should have done will not happen.", "Discard"))) return;
    if (await attempt(() => api.delete("/queues/{queue}/failed", { path, query: chosen }))) void list.reload();
  }

  const all = /** @type {const} */ ({ all: true });
  return h(
    "div",
    null,
    h("p", null, h("a", { class: "link", href: "/admin/queues" }, "All queues"), ` / ${queue}: dead letters`),
    h(
      "div",
      { class: "buttons start" },
      h("button", { type: "button", class: "button", onclick: () => retry(all) }, "Retry all"),
      h(
        "button",
        { type: "button", class: "button danger", onclick: () => discard(all, `all dead letters of ${queue}`) },
        "Discard all",
      ),
    ),
    list.element,
  );
}

/** @param {FailedJob} job */
function details(job) {
  const attempts = job.history.map(({ attempt: number, at, error }) => [figure(number), time(at), error]);
  openDialog(job.kind, () => [
    h("h3", null, "Payload"),
    h("pre", null, JSON.stringify(job.payload, null, 2)),
    h("h3", null, "Attempts"),
    table(["No.", "When", "Error"], attempts, "Attempts"),
  ]);
}
