/**
 * The live stream of notifications: it reconnects, resumes where it stopped, and is shared by the tabs of a browser.
 *
 * It reads Server-Sent Events with `fetch`. An `EventSource` can neither say why it was refused nor receive events of
 * types that the program does not know yet.
 * @module
 */

import { ApiError, SignedOutError } from "./errors.js";
import { anySignal, backoffMs, delayOrOnline } from "./waiting.js";

/** @import { Photofeed } from "./index.js" */
/** @import { StreamEvent } from "./types.js" */

const LOCK = "photofeed.stream";
const CHANNEL = "photofeed.stream";
/** The server sends something every 15 seconds. */
const SILENCE_MS = 40_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

/**
 * What the tabs of a browser send each other.
 * @typedef {object} Message
 * @property {boolean} [isNew] sent by a new tab, which needs the state
 * @property {"connecting" | "open" | "closed"} [state]
 * @property {string} [position] the id of the last notification
 * @property {StreamEvent} [event]
 */

/**
 * Dispatches a `LiveEvent` for everything that arrives, under its type (such as `like`) and as `message`; and `state`
 * when the connection opens or closes.
 *
 * Tabs of one browser share one connection: the one that holds a lock reads and passes events to the others.
 */
export class LiveStream extends EventTarget {
  /** Whether this tab gets events: `connecting`, `open`, or `closed`. @type {"connecting" | "open" | "closed"} */
  state = "connecting";
  /** The id of the last notification; sent when the stream is opened again. @type {string | null} */
  lastEventId;
  /** @type {Photofeed} */ #client;
  #ended = new AbortController();
  /** The first delay before a new connection; the server may set it. */
  #retryMs = FIRST_RETRY_MS;
  /** Whether this tab holds the connection. */
  #reads = false;
  /** @type {BroadcastChannel | null} */ #channel = null;

  /**
   * @param {Photofeed} client
   * @param {{ lastEventId?: string | null, shared?: boolean }} [options] `shared`: with the other tabs; the default
   */
  constructor(client, { lastEventId = null, shared = true } = {}) {
    super();
    this.#client = client;
    this.lastEventId = lastEventId;
    const name = `${CHANNEL}.${client.session.userId}`;
    if (shared && globalThis.BroadcastChannel && globalThis.navigator?.locks) {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = ({ data }) => this.#receive(data);
      this.#channel.postMessage({ isNew: true });
      navigator.locks
        .request(`${LOCK}.${client.session.userId}`, { signal: this.#ended.signal }, () => this.#run())
        .catch(() => {}); // aborted before it was this tab's turn
    } else {
      void this.#run();
    }
  }

  /** End the stream in this tab. Another tab goes on. */
  close() {
    this.#ended.abort();
    this.#setState("closed");
    this.#channel?.close();
    this.#channel = null;
  }

  /** Read until the stream is closed or the session has ended. */
  async #run() {
    const { signal } = this.#ended;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#read(() => (failures = 0));
        failures += 1;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof SignedOutError) return this.close();
        failures += 1;
        if (error instanceof ApiError && error.retryAfterMs !== null) {
          await delayOrOnline(error.retryAfterMs, signal).catch(() => {});
        }
      }
      this.#share({ state: "connecting" });
      await delayOrOnline(backoffMs(failures, this.#retryMs, MAX_RETRY_MS), signal).catch(() => {});
    }
  }

  /**
   * Open one connection and read it to its end.
   * @param {() => void} onOpen
   */
  async #read(onOpen) {
    const silence = new AbortController();
    const signal = anySignal(this.#ended.signal, silence.signal);
    /** @type {Record<string, string>} */
    const headers = { Accept: "text/event-stream" };
    if (this.lastEventId !== null) headers["Last-Event-ID"] = this.lastEventId;
    const response = await this.#client.fetch("/notifications/stream", { headers, signal });
    onOpen();
    this.#share({ state: "open" });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    const parser = new EventParser({
      onEvent: (event) => this.#share({ event }),
      onPosition: (position) => this.#share({ position }),
      onRetry: (ms) => (this.#retryMs = ms),
    });
    try {
      for (;;) {
        const timer = setTimeout(() => silence.abort(new Error("The stream is silent.")), SILENCE_MS);
        const { done, value } = await reader.read().finally(() => clearTimeout(timer));
        if (done) return;
        parser.push(value);
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  /**
   * Handle a message in this tab and send it to the others.
   * @param {Message} message
   */
  #share(message) {
    if (this.#ended.signal.aborted) return;
    this.#reads = true;
    this.#channel?.postMessage(message);
    this.#receive(message);
  }

  /** @param {Message} message */
  #receive({ isNew, state, position, event }) {
    if (isNew && this.#reads) {
      this.#channel?.postMessage({ state: this.state, position: this.lastEventId ?? undefined });
    }
    if (position !== undefined) this.lastEventId = position;
    if (state) this.#setState(state);
    if (event) {
      const init = { type: event.type, data: event.data, id: event.id };
      this.dispatchEvent(new LiveEvent(event.type, init));
      this.dispatchEvent(new LiveEvent("message", init));
    }
  }

  /** @param {"connecting" | "open" | "closed"} state */
  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

/** What arrived on the stream. */
export class LiveEvent extends Event {
  /**
   * @param {string} name
   * @param {StreamEvent} event
   */
  constructor(name, event) {
    super(name);
    /** The type of the notification, or `media`, `feed`, `read` or `reset`. New types may be added. */
    this.eventType = event.type;
    /** The parsed JSON; a notification has the same form as in `GET /notifications`. */
    this.data = event.data;
    /** The sequence number of a notification; null for other events. */
    this.id = event.id;
  }
}

/**
 * A parser of Server-Sent Events, as the HTML standard defines them. The data of an event is JSON here.
 */
export class EventParser {
  #decoder = new TextDecoder();
  #buffer = "";
  /** @type {string[]} */ #data = [];
  #type = "";
  /** @type {string | null} */ #id = null;

  /**
   * @param {object} handlers
   * @param {(event: StreamEvent) => void} handlers.onEvent
   * @param {(id: string) => void} [handlers.onPosition] called with each id, before the event
   * @param {(ms: number) => void} [handlers.onRetry]
   */
  constructor({ onEvent, onPosition, onRetry }) {
    this.#onEvent = onEvent;
    this.#onPosition = onPosition;
    this.#onRetry = onRetry;
  }

  /** @type {(event: StreamEvent) => void} */ #onEvent;
  /** @type {((id: string) => void) | undefined} */ #onPosition;
  /** @type {((ms: number) => void) | undefined} */ #onRetry;

  /** @param {Uint8Array} bytes */
  push(bytes) {
    this.#buffer += this.#decoder.decode(bytes, { stream: true });
    // A carriage return at the end may be the first half of a line break.
    const lines = this.#buffer.split(/\r\n|\n|\r(?!$)/);
    this.#buffer = lines.pop() ?? "";
    for (const line of lines) this.#read(line);
  }

  /** @param {string} line */
  #read(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id") this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.#onRetry?.(Number(value));
  }

  #dispatch() {
    const [type, id, data] = [this.#type || "message", this.#id, this.#data.join("\n")];
    this.#type = "";
    this.#id = null;
    this.#data = [];
    if (id !== null) this.#onPosition?.(id);
    if (data) this.#onEvent({ type, id, data: JSON.parse(data) });
  }
}
