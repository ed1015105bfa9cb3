/**
 * Errors of the client. Whatever a call rejects with is one of these, or the reason of an aborted signal.
 * @module
 */

/** @import { Problem } from "./types.js" */

/** An answer of the server that is not a success. */
export class ApiError extends Error {
  /**
   * @param {Problem} problem
   * @param {Response} response
   */
  constructor(problem, response) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    /** The whole problem, with members that only some problems have. */
    this.problem = problem;
    this.status = response.status;
    /** A stable name for programs, such as `username_taken`. New ones may be added. */
    this.code = problem.code;
    /** Messages by field; empty unless the status is 422. */
    this.fields = problem.errors ?? {};
    /** How long to wait before the next attempt, in milliseconds; null if the server does not say. */
    this.retryAfterMs = retryAfterMs(response);
    /** Names the request in the server's log. */
    this.requestId = response.headers.get("X-Request-Id");
  }

  /** Whether the same request may succeed later. */
  get isTemporary() {
    return this.status === 429 || this.status === 503;
  }
}

/** No answer: the device is offline, or the server cannot be reached. The request may have been carried out. */
export class NetworkError extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    super("The server cannot be reached.", { cause });
    this.name = "NetworkError";
  }
}

/** There is no session, or it has ended: sign in again. */
export class SignedOutError extends Error {
  constructor() {
    super("You are not signed in.");
    this.name = "SignedOutError";
  }
}

/**
 * Return the error that describes a response, also when its body is not a problem, such as that of a proxy.
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
export async function errorOf(response) {
  const { status, statusText } = response;
  const title = statusText || `Status ${status}`;
  const problem = await response.json().catch(() => null);
  const isProblem = typeof problem?.code === "string";
  return new ApiError(
    isProblem ? problem : { type: "about:blank", title, status, detail: title, instance: "", code: "unknown" },
    response,
  );
}

/**
 * @param {Response} response
 * @returns {number | null}
 */
function retryAfterMs(response) {
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}
