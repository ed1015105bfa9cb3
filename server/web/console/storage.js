/**
 * What the installation stores, and how well its caches work.
 * @module
 */

import { api } from "../client/api.js";
import { h } from "../client/dom.js";
import { bars, bytes, number } from "./charts.js";
import { time } from "./tables.js";

/** @import { Child } from "../client/dom.js" */
/** @import { Context } from "./main.js" */
/** @import { Storage } from "./types.js" */

/**
 * @param {Context} context
 * @returns {Promise<HTMLElement>}
 */
export async function storagePage({ signal }) {
  const [storage, { items }] = await Promise.all([
    api.get("/installation/storage", { signal }),
    api.get("/installation/processes", { signal }),
  ]);
  const pages = items.reduce((sum, { details }) => sum + (details?.feedPagesFromRedis ?? 0), 0);
  const missed = items.reduce((sum, { details }) => sum + (details?.feedPagesFromDatabase ?? 0), 0);
  const media = storage.media.reduce((sum, each) => sum + each.bytes, 0);
  const feeds = storage.redis.flatMap(({ kinds }) => kinds).find(({ kind }) => kind === "feed");
  return h(
    "div",
    null,
    figures({
      Database: bytes(storage.databaseBytes),
      "Media store": storage.media.length ? bytes(media) : h("span", { class: "quiet small" }, "not counted yet"),
      "Feed windows": number(feeds?.keys ?? 0),
      "Feed pages from the cache": rate(pages, missed),
    }),
    h(
      "div",
      { class: "charts" },
      bars(
        "Rows by table",
        storage.tables.map(({ table, rows, isEstimate, bytes: size }) => ({
          name: table.replaceAll("_", " "),
          value: rows,
          text: `${isEstimate ? "about " : ""}${number(rows)}${size === null ? "" : `, ${bytes(size)}`}`,
        })),
      ),
      storage.media.length > 0 &&
        bars(
          "Media by kind",
          storage.media.map(({ kind, files, bytes: size }) => ({
            name: kind,
            value: size,
            text: `${bytes(size)}, ${number(files)} files`,
          })),
        ),
      storage.redis.map(redisFigures),
    ),
    h("p", { class: "quiet small" }, "Computed ", time(storage.computedAt)),
  );
}

/** @param {Storage["redis"][number]} server */
function redisFigures(server) {
  return h(
    "section",
    null,
    h("h2", null, `Redis (${server.redis})`),
    figures({
      Memory: server.maxBytes ? `${bytes(server.usedBytes)} of ${bytes(server.maxBytes)}` : bytes(server.usedBytes),
      Keys: number(server.keys),
      "Hit rate": rate(server.hits, server.misses),
      Evicted: number(server.evictedKeys),
    }),
    bars(
      server.isEstimate ? "Keys by kind, estimated" : "Keys by kind",
      server.kinds.slice(0, 20).map(({ kind, keys }) => ({ name: kind, value: keys, text: number(keys) })),
    ),
  );
}

/** @param {Record<string, Child>} values */
function figures(values) {
  return h(
    "dl",
    { class: "figures" },
    Object.entries(values).map(([name, value]) =>
      h("div", null, h("dt", null, name), h("dd", null, h("span", { class: "figure" }, value))),
    ),
  );
}

/**
 * @param {number} hits
 * @param {number} misses
 */
function rate(hits, misses) {
  return hits + misses ? `${((100 * hits) / (hits + misses)).toFixed(1)} %` : "–";
}
