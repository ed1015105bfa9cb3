/**
 * The JavaScript client of photofeed: typed calls, a session that renews itself, lists as async iterators, resumable
 * uploads and the live stream. Plain ES modules without dependencies, for browsers and Node.js.
 * @module
 */

import { ApiError, errorOf, NetworkError, SignedOutError } from "./errors.js";
import { memoryStorage, Session, SessionChange } from "./session.js";
import { LiveStream } from "./stream.js";
import { upload } from "./uploads.js";
import { backoffMs, delay } from "./waiting.js";

/**
 * @import {
 *   Answer, AnyOptions, CallArguments, Credentials, Fetch, Item, ListPath, Method, Page, PathWith,
 *   Registration, SessionStorage, SignedIn, SignInChallenge, UnusedMedia
 * } from "./types.js"
 */

export { addPasskey, passkeysSupported, signInWithPasskey } from "./passkeys.js";
export { disablePush, enablePush, pushSupported } from "./push.js";
export { LiveEvent, LiveStream } from "./stream.js";
export { ApiError, memoryStorage, NetworkError, SessionChange, SignedOutError };

const MAX_ATTEMPTS = 3;
const FIRST_RETRY_MS = 300;
const MAX_RETRY_MS = 5000;

/** A client of one server, for one signed-in user at a time. */
export class Photofeed {
  /** @type {Fetch} */ #fetch;

  /**
   * @param {object} [options]
   * @param {string} [options.baseUrl] without a slash at the end; the server of the page if left out
   * @param {SessionStorage} [options.storage] where the session is kept; by default in the browser
   * @param {Fetch} [options.fetch]
   */
  constructor({ baseUrl = "", storage = defaultStorage(), fetch = globalThis.fetch.bind(globalThis) } = {}) {
    this.baseUrl = baseUrl;
    this.storage = storage;
    this.#fetch = fetch;
    this.session = new Session(baseUrl, storage, fetch);
  }

  /**
   * Create an account and sign in.
   * @param {Registration} registration
   * @returns {Promise<SignedIn>}
   */
  async register(registration) {
    const signedIn = await this.post("/auth/register", { body: registration, authenticated: false });
    this.session.begin(signedIn);
    return signedIn;
  }

  /**
   * Sign in. For an account with a second factor, the result is a challenge for `completeSignIn`.
   * @param {Credentials} credentials
   * @returns {Promise<SignedIn | { secondFactor: SignInChallenge }>}
   */
  async signIn(credentials) {
    const body = { ...credentials, deviceToken: this.session.deviceToken ?? undefined };
    const answer = await this.post("/auth/login", { body, authenticated: false });
    if (!("secondFactor" in answer)) this.session.begin(answer);
    return answer;
  }

  /**
   * Complete a sign-in with a code of the authenticator app, or a recovery code.
   * @param {SignInChallenge} secondFactor
   * @param {string} code
   * @returns {Promise<SignedIn>}
   */
  async completeSignIn({ challenge }, code) {
    const signedIn = await this.post("/auth/second-factor/verify", {
      body: { challenge, code },
      authenticated: false,
    });
    this.session.begin(signedIn);
    return signedIn;
  }

  /** End the session here and on the server. Without a connection it ends here only. */
  async signOut() {
    try {
      await this.post("/auth/logout");
    } catch (error) {
      if (!(error instanceof NetworkError || error instanceof SignedOutError || error instanceof ApiError)) throw error;
    } finally {
      this.session.end();
    }
  }

  /**
   * @template {PathWith<"get">} P
   * @param {P} path
   * @param {CallArguments<P, "get">} options
   * @returns {Promise<Answer<P, "get">>}
   */
  get(path, ...options) {
    return this.#call("get", path, ...options);
  }

  /**
   * @template {PathWith<"post">} P
   * @param {P} path
   * @param {CallArguments<P, "post">} options
   * @returns {Promise<Answer<P, "post">>}
   */
  post(path, ...options) {
    return this.#call("post", path, ...options);
  }

  /**
   * @template {PathWith<"put">} P
   * @param {P} path
   * @param {CallArguments<P, "put">} options
   * @returns {Promise<Answer<P, "put">>}
   */
  put(path, ...options) {
    return this.#call("put", path, ...options);
  }

  /**
   * @template {PathWith<"patch">} P
   * @param {P} path
   * @param {CallArguments<P, "patch">} options
   * @returns {Promise<Answer<P, "patch">>}
   */
  patch(path, ...options) {
    return this.#call("patch", path, ...options);
  }

  /**
   * @template {PathWith<"delete">} P
   * @param {P} path
   * @param {CallArguments<P, "delete">} options
   * @returns {Promise<Answer<P, "delete">>}
   */
  delete(path, ...options) {
    return this.#call("delete", path, ...options);
  }

  /**
   * Return all items of a list, page by page, as they are asked for: `for await (const post of client.list("/feed"))`.
   * @template {ListPath} P
   * @param {P} path
   * @param {CallArguments<P, "get">} options
   * @returns {AsyncGenerator<Item<P>, void, undefined>}
   */
  async *list(path, ...options) {
    for await (const page of this.#pages(path, ...options)) yield* page.items;
  }

  /**
   * Return the pages of a list. The first one always exists; it may be empty.
   * @template {ListPath} P
   * @param {P} path
   * @param {CallArguments<P, "get">} options
   * @returns {AsyncGenerator<Page<P>, void, undefined>}
   */
  pages(path, ...options) {
    return this.#pages(path, ...options);
  }

  /**
   * Upload a picture; see `uploads.js`.
   * @param {File | Blob} file
   * @param {import("./uploads.js").UploadOptions} [options]
   * @returns {Promise<UnusedMedia>}
   */
  upload(file, options) {
    return upload(this, file, options);
  }

  /**
   * Open the live stream of notifications; see `stream.js`.
   * @param {{ lastEventId?: string | null, shared?: boolean }} [options]
   */
  stream(options) {
    return new LiveStream(this, options);
  }

  /**
   * @param {string} path
   * @param {AnyOptions} [options]
   * @returns {AsyncGenerator<any, void, undefined>}
   */
  async *#pages(path, options) {
    /** @type {string | null} */
    let cursor = null;
    do {
      const query = { ...options?.query, cursor };
      const page = await this.#call("get", path, { ...options, query });
      yield page;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /**
   * Call an operation and return its JSON; undefined for an empty answer.
   *
   * Temporary failures are repeated, if that cannot have an effect twice: reads, changes that are idempotent by nature,
   * and POST, which gets an `Idempotency-Key`.
   *
   * @param {Method} method
   * @param {string} path with its parameters in braces, as in the document
   * @param {AnyOptions} [options]
   * @returns {Promise<any>}
   */
  async #call(method, path, options = {}) {
    const { path: parameters = {}, query = {}, body, headers, signal, authenticated = true } = options;
    const address = withQuery(withParameters(path, parameters), query);
    /** @type {RequestInit & { headers: Record<string, string> }} */
    const init = { method: method.toUpperCase(), headers: { ...headers }, signal };
    if (method === "post") init.headers["Idempotency-Key"] ??= randomKey();
    if (body instanceof Blob || body instanceof FormData) init.body = body;
    else if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers["Content-Type"] = "application/json";
    }
    const response = await this.#repeat(() => this.fetch(address, init, { authenticated }), signal);
    return response.status === 204 ? undefined : response.json();
  }

  /**
   * Send one request with the access token, and once more with a new one if that is refused. For what the other methods
   * do not cover, such as bytes.
   * @param {string} address below `baseUrl`
   * @param {RequestInit & { headers?: Record<string, string> }} [init]
   * @param {{ authenticated?: boolean }} [options]
   * @returns {Promise<Response>} a success
   * @throws {ApiError | NetworkError | SignedOutError}
   */
  async fetch(address, init = {}, { authenticated = true } = {}) {
    /** @param {string} [token] */
    const send = (token) => {
      const headers = { ...init.headers, ...(token && { Authorization: `Bearer ${token}` }) };
      return this.#fetch(this.baseUrl + address, { ...init, headers }).catch((cause) => {
        init.signal?.throwIfAborted();
        throw new NetworkError(cause);
      });
    };
    const token = authenticated ? await this.session.accessToken() : undefined;
    let response = await send(token);
    if (response.status === 401 && token) response = await send(await this.session.accessToken(token));
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  /**
   * @param {() => Promise<Response>} send
   * @param {AbortSignal | null} [signal]
   */
  async #repeat(send, signal) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send();
      } catch (error) {
        const asked = error instanceof ApiError && error.isTemporary ? (error.retryAfterMs ?? 0) : null;
        const repeatable = error instanceof NetworkError || (asked !== null && asked <= MAX_RETRY_MS);
        if (!repeatable || attempt === MAX_ATTEMPTS) throw error;
        await delay(Math.max(asked ?? 0, backoffMs(attempt, FIRST_RETRY_MS, MAX_RETRY_MS)), signal ?? undefined);
      }
    }
  }
}

/**
 * @param {string} path
 * @param {Record<string, string>} parameters
 */
function withParameters(path, parameters) {
  return path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parameters[name] ?? "").replace(/^%40/, "@"));
}

/**
 * @param {string} path
 * @param {Record<string, unknown>} query undefined and null are left out; arrays are joined with commas
 */
function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length ? `${path}?${search}` : path;
}

function defaultStorage() {
  try {
    return globalThis.localStorage ?? memoryStorage();
  } catch {
    return memoryStorage(); // the browser forbids it
  }
}

function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
