/**
 * Resumable uploads of pictures by tus 1.0: an upload continues after a lost connection, and after the page was closed.
 * @module
 */

import { ApiError, NetworkError } from "./errors.js";
import { backoffMs, delay, delayOrOnline } from "./waiting.js";

/** @import { Photofeed } from "./index.js" */
/** @import { Problem, UnusedMedia } from "./types.js" */

const UPLOAD_KEY = "photofeed.upload.";
const TUS = { "Tus-Resumable": "1.0.0" };
const MIN_PART_BYTES = 128 * 1024;
const MAX_PART_BYTES = 8 * 1024 * 1024;
/** Parts grow and shrink towards this duration, which is also how often progress is reported. */
const PART_MS = 800;
const MAX_FAILURES = 20;
const FIRST_RETRY_MS = 400;
const MAX_RETRY_MS = 20_000;
const FIRST_POLL_MS = 150;
const MAX_POLL_MS = 2000;

/**
 * @typedef {object} UploadOptions
 * @property {string} [altText]
 * @property {(progress: { sent: number, total: number }) => void} [onProgress] in bytes; called after each part
 * @property {AbortSignal} [signal] pauses: the same file continues where it stopped
 */

/**
 * Upload a picture and return it when it is processed; publish it with its `id` in `mediaIds`.
 *
 * Lost connections, restarts and rate limits are waited for. Rejects with the problem as `ApiError` if the server
 * refuses the file, and with `NetworkError` if it stays out of reach.
 *
 * @param {Photofeed} client
 * @param {File | Blob} file
 * @param {UploadOptions} [options]
 * @returns {Promise<UnusedMedia>}
 */
export async function upload(client, file, options = {}) {
  const { onProgress, signal } = options;
  const key = `${UPLOAD_KEY}${client.session.userId}.${fingerprint(file)}`;
  const parts = new PartSize();
  let failures = 0;
  let offset = -1; // unknown
  for (;;) {
    try {
      let id = client.storage.getItem(key);
      if (id === null) {
        id = await create(client, file, options);
        client.storage.setItem(key, id);
        offset = 0;
      } else if (offset < 0) {
        offset = await offsetOf(client, id, signal);
      }
      onProgress?.({ sent: offset, total: file.size });
      while (offset < file.size) {
        offset = await parts.measure((bytes) => send(client, id, file, offset, bytes, signal));
        failures = 0;
        onProgress?.({ sent: offset, total: file.size });
      }
      const media = await processed(client, id, signal);
      client.storage.removeItem(key);
      return media;
    } catch (error) {
      offset = -1;
      if (isGone(error)) client.storage.removeItem(key);
      else if (!isTemporary(error)) {
        if (error instanceof ApiError) client.storage.removeItem(key);
        throw error;
      }
      failures += 1;
      if (failures > MAX_FAILURES) throw error;
      const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
      await delayOrOnline(Math.max(asked, backoffMs(failures, FIRST_RETRY_MS, MAX_RETRY_MS)), signal);
    }
  }
}

/**
 * Begin an upload and return its id, which is also that of the picture.
 * @param {Photofeed} client
 * @param {File | Blob} file
 * @param {UploadOptions} options
 */
async function create(client, file, { altText = "", signal }) {
  const name = "name" in file ? file.name : "";
  const metadata = Object.entries({ filename: name, filetype: file.type, altText })
    .filter(([, value]) => value)
    .map(([label, value]) => `${label} ${base64(value)}`);
  const headers = { ...TUS, "Upload-Length": `${file.size}`, "Upload-Metadata": metadata.join(",") };
  const response = await client.fetch("/uploads", { method: "POST", headers, signal });
  return /** @type {string} */ (response.headers.get("Media-Id"));
}

/**
 * @param {Photofeed} client
 * @param {string} id
 * @param {AbortSignal} [signal]
 */
async function offsetOf(client, id, signal) {
  const response = await client.fetch(`/uploads/${id}`, { method: "HEAD", headers: TUS, signal });
  return Number(response.headers.get("Upload-Offset"));
}

/**
 * Send the bytes from `offset` and return the new offset.
 * @param {Photofeed} client
 * @param {string} id
 * @param {Blob} file
 * @param {number} offset
 * @param {number} bytes
 * @param {AbortSignal} [signal]
 */
async function send(client, id, file, offset, bytes, signal) {
  const response = await client.fetch(`/uploads/${id}`, {
    method: "PATCH",
    headers: { ...TUS, "Upload-Offset": `${offset}`, "Content-Type": "application/offset+octet-stream" },
    body: file.slice(offset, offset + bytes),
    signal,
  });
  return Number(response.headers.get("Upload-Offset"));
}

/**
 * Wait until a picture is processed.
 * @param {Photofeed} client
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<UnusedMedia>}
 */
async function processed(client, id, signal) {
  for (let polls = 1; ; polls += 1) {
    const media = await client.get("/media/unused/{mediaId}", { path: { mediaId: id }, signal });
    if (media.status === "ready") return media;
    if (media.status === "failed") {
      const refused = { type: "about:blank", title: "Refused", status: 422, instance: "", ...media.problem };
      throw new ApiError(/** @type {Problem} */ (refused), new Response(null, { status: 422 }));
    }
    await delay(Math.min(MAX_POLL_MS, FIRST_POLL_MS * polls), signal);
  }
}

/** How many bytes the next request has: as many as pass in about `PART_MS`. */
class PartSize {
  #bytes = MIN_PART_BYTES;

  /** @param {(bytes: number) => Promise<number>} sendPart */
  async measure(sendPart) {
    const startedAt = performance.now();
    try {
      const offset = await sendPart(this.#bytes);
      const factor = performance.now() - startedAt < PART_MS ? 2 : 0.5;
      this.#bytes = Math.min(MAX_PART_BYTES, Math.max(MIN_PART_BYTES, this.#bytes * factor));
      return offset;
    } catch (error) {
      this.#bytes = MIN_PART_BYTES;
      throw error;
    }
  }
}

/** @param {File | Blob} file */
function fingerprint(file) {
  return "name" in file ? `${file.name}.${file.size}.${file.lastModified}` : `${file.type}.${file.size}`;
}

/** @param {unknown} error */
function isGone(error) {
  return error instanceof ApiError && (error.status === 404 || error.status === 410);
}

/** @param {unknown} error */
function isTemporary(error) {
  if (error instanceof NetworkError) return true;
  return error instanceof ApiError && (error.isTemporary || error.status >= 502 || error.code === "upload_offset");
}

/** @param {string} text */
function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
