/**
 * The session: its tokens, where they are kept, and their renewal, once for all tabs of a browser.
 * @module
 */

import { errorOf, NetworkError, SignedOutError } from "./errors.js";

/** @import { SignedIn, SessionStorage, TokenPair } from "./types.js" */

const SESSION_KEY = "photofeed.session";
const DEVICE_KEY = "photofeed.device";
const REFRESH_LOCK = "photofeed.refresh";
/** A token is renewed when it expires within this time, so that it does not expire on its way. */
const MARGIN_MS = 30_000;

/**
 * What is stored of a session.
 * @typedef {object} StoredSession
 * @property {string} userId
 * @property {string} accessToken
 * @property {string} refreshToken
 * @property {number} expiresAtMs by the clock of the device
 */

/** A user has signed in or out. `expired`: the server has ended the session, and this tab was the first to notice. */
export class SessionChange extends Event {
  /** @param {boolean} expired */
  constructor(expired) {
    super("change");
    this.expired = expired;
  }
}

/**
 * Dispatches `change` when a user signs in or out, also in another tab.
 *
 * A refresh token can be used once. So tabs take turns: each looks first whether another one has renewed the tokens.
 */
export class Session extends EventTarget {
  /** @type {string} */ #baseUrl;
  /** @type {SessionStorage} */ #storage;
  /** @type {typeof globalThis.fetch} */ #fetch;
  /** @type {Promise<string> | null} */ #refreshing = null;

  /**
   * @param {string} baseUrl
   * @param {SessionStorage} storage
   * @param {typeof globalThis.fetch} fetch
   */
  constructor(baseUrl, storage, fetch) {
    super();
    this.#baseUrl = baseUrl;
    this.#storage = storage;
    this.#fetch = fetch;
    globalThis.addEventListener?.("storage", (event) => {
      if (event.key === SESSION_KEY && !(event.oldValue && event.newValue)) this.#changed();
    });
  }

  /** The id of the signed-in user, or null. */
  get userId() {
    return this.#read()?.userId ?? null;
  }

  /** Proves at the next sign-in that this device is known; null before the first one. */
  get deviceToken() {
    return this.#storage.getItem(DEVICE_KEY);
  }

  /** @param {string} token */
  keepDeviceToken(token) {
    this.#storage.setItem(DEVICE_KEY, token);
  }

  /**
   * Keep the tokens of a sign-in.
   * @param {SignedIn} signedIn
   */
  begin(signedIn) {
    this.#write(signedIn.user.id, signedIn);
    if (signedIn.deviceToken) this.keepDeviceToken(signedIn.deviceToken);
    this.#changed();
  }

  /**
   * Forget the tokens. It does not end the session on the server.
   * @param {{ expired?: boolean }} [options] `expired`: the server has ended it
   */
  end({ expired = false } = {}) {
    if (!this.#read()) return;
    this.#storage.removeItem(SESSION_KEY);
    this.#changed(expired);
  }

  /**
   * Return an access token that is valid for some time, renewing it if necessary.
   * @param {string} [rejected] a token that the server has just refused
   * @returns {Promise<string>}
   * @throws {SignedOutError | NetworkError | import("./errors.js").ApiError}
   */
  async accessToken(rejected) {
    const session = this.#read();
    if (!session) throw new SignedOutError();
    if (usable(session, rejected)) return session.accessToken;
    this.#refreshing ??= this.#takeTurn(rejected).finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  /** @param {string} [rejected] */
  async #takeTurn(rejected) {
    const renew = () => this.#renew(rejected);
    return globalThis.navigator?.locks ? navigator.locks.request(REFRESH_LOCK, renew) : renew();
  }

  /**
   * @param {string} [rejected]
   * @returns {Promise<string>}
   */
  async #renew(rejected) {
    const session = this.#read();
    if (!session) throw new SignedOutError();
    if (usable(session, rejected)) return session.accessToken; // another tab has renewed it
    const { refreshToken, userId } = session;
    const response = await this.#fetch(`${this.#baseUrl}/auth/refresh`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refreshToken }),
    }).catch((cause) => {
      throw new NetworkError(cause);
    });
    if (response.status === 401) {
      this.end({ expired: true });
      throw new SignedOutError();
    }
    if (!response.ok) throw await errorOf(response);
    return this.#write(userId, await response.json());
  }

  /** @returns {StoredSession | null} */
  #read() {
    return JSON.parse(this.#storage.getItem(SESSION_KEY) ?? "null");
  }

  /**
   * @param {string} userId
   * @param {TokenPair | SignedIn} tokens
   */
  #write(userId, { accessToken, refreshToken, expiresIn }) {
    /** @type {StoredSession} */
    const session = { userId, accessToken, refreshToken, expiresAtMs: Date.now() + expiresIn * 1000 };
    this.#storage.setItem(SESSION_KEY, JSON.stringify(session));
    return accessToken;
  }

  #changed(expired = false) {
    this.dispatchEvent(new SessionChange(expired));
  }
}

/**
 * @param {StoredSession} session
 * @param {string} [rejected]
 */
function usable(session, rejected) {
  return session.accessToken !== rejected && session.expiresAtMs - Date.now() > MARGIN_MS;
}

/**
 * Return a storage that lasts as long as the page, for where there is no other.
 * @returns {SessionStorage}
 */
export function memoryStorage() {
  /** @type {Map<string, string>} */
  const values = new Map();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}
