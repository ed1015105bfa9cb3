/**
 * Waiting that a signal can end, and growing delays between attempts.
 * @module
 */

/**
 * Resolve after a time. Rejects with the reason of the signal when it is aborted.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function delay(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Return the delay before the next attempt: it doubles with each failure up to the maximum, half of it random, so that
 * clients do not return at the same moment.
 * @param {number} failures at least 1
 * @param {number} firstMs
 * @param {number} maxMs
 */
export function backoffMs(failures, firstMs, maxMs) {
  const ms = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return ms / 2 + (Math.random() * ms) / 2;
}

/**
 * Resolve after a time, or as soon as the device is online again.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 */
export async function delayOrOnline(ms, signal) {
  const ended = new AbortController();
  const online = new Promise((resolve) =>
    globalThis.addEventListener?.("online", resolve, { once: true, signal: ended.signal }),
  );
  try {
    await Promise.race([delay(ms, anySignal(signal, ended.signal)).catch(() => signal?.throwIfAborted()), online]);
  } finally {
    ended.abort();
  }
}

/**
 * Return a signal that is aborted when one of the given ones is.
 * @param {(AbortSignal | undefined)[]} signals
 * @returns {AbortSignal}
 */
export function anySignal(...signals) {
  const joined = new AbortController();
  for (const signal of signals) {
    if (signal?.aborted) joined.abort(signal.reason);
    signal?.addEventListener("abort", () => joined.abort(signal.reason), { once: true, signal: joined.signal });
  }
  return joined.signal;
}
