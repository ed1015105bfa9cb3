/**
 * The processes of the installation, live: their tasks, open circuits and outages, and suspended caches.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { formatTime } from "../client/i18n.js";
import { live } from "./live.js";
import { table, time } from "./tables.js";

/** @import { Context } from "./main.js" */
/** @import { CacheState, Process } from "./types.js" */

/** @type {Record<string, string>} */
const DEPENDENCIES = { smtp: "Outgoing e-mail", fcm: "Push", redis: "Redis", database: "Database" };
const LATE_MS = 15_000;

/**
 * @param {Context} context
 * @returns {HTMLElement}
 */
export function processesPage({ signal }) {
  return live(signal, async () => {
    const { items, caches } = await api.get("/installation/processes", { signal });
    return [circuits(items, caches), processTable(items), parts(items)];
  });
}

/**
 * @param {Process[]} processes
 * @param {CacheState[]} caches
 */
function circuits(processes, caches) {
  const rows = processes.flatMap(({ node, details }) =>
    (details?.problems ?? []).map((problem) => [
      h("b", null, DEPENDENCIES[problem.dependency] ?? problem.dependency),
      h("span", { class: "badge warning" }, problem.state.replace("_", "-")),
      time(problem.since),
      `node ${node}, ${details?.role ?? ""}`,
      problem.reason,
    ]),
  );
  for (const { redis, suspendedUntil } of caches)
    if (suspendedUntil)
      rows.push([
        h("b", null, `Caches in Redis (${redis})`),
        h("span", { class: "badge warning" }, "suspended"),
        `until ${formatTime(suspendedUntil)}`,
        "all processes",
        "A process could not correct what is cached; the database is read instead.",
      ]);
  return h(
    "section",
    null,
    h("h2", null, "Circuits"),
    rows.length
      ? table(["Of", "State", "Since", "Where", "Why"], rows, "Circuits")
      : h("p", { class: "quiet" }, "All circuits are closed: e-mail, push, Redis and the database are available."),
  );
}

/** @param {Process[]} processes */
function processTable(processes) {
  const rows = processes.map(({ node, heartbeatAt, details }) => {
    const restarts = (details?.parts ?? []).reduce((sum, part) => sum + part.restarts, 0);
    const isLate = Date.now() - Date.parse(heartbeatAt) > LATE_MS;
    return [
      h("b", null, `${node}`),
      details?.role ?? "command",
      details?.host ?? "–",
      `${details?.pid ?? "–"}`,
      details?.version ?? "–",
      time(details?.startedAt),
      h("span", { class: isLate ? "danger" : "" }, time(heartbeatAt)),
      `${details?.parts.length ?? "–"}`,
      h("span", { class: restarts ? "danger" : "" }, `${restarts}`),
    ];
  });
  const heads = ["Node", "Role", "Host", "Pid", "Version", "Started", "Heartbeat", "Tasks", "Restarts"];
  return h("section", null, h("h2", null, "Processes"), table(heads, rows, "Processes"));
}

/** @param {Process[]} processes */
function parts(processes) {
  const all = processes.flatMap(({ node, details }) => (details?.parts ?? []).map((each) => ({ node, ...each })));
  // Those that do not run come first.
  all.sort((one, other) => Number(one.state === "running") - Number(other.state === "running"));
  const rows = all.map(({ node, part, state, restarts }) => [
    `${node}`,
    part,
    h("span", { class: state === "running" ? "badge" : "badge warning" }, state),
    `${restarts}`,
  ]);
  return h(
    "section",
    null,
    h("h2", null, "Tasks"),
    table(["Node", "Task", "State", "Restarts"], rows, "Tasks of processes"),
  );
}
