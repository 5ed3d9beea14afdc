/**
 * Time limits that never hold OpenCode alive, and promises that are waited for no longer than that.
 * Knows nothing of what is being waited for.
 */
import { CallGivenUp } from "./errors.js";

/**
 * @param {number} ms
 * @param {() => void} action
 * @returns {() => void} takes it back
 */
export function later(ms, action) {
  const timer = setTimeout(action, ms);
  timer.unref?.();
  return () => clearTimeout(timer);
}

/**
 * The promise's own outcome, or `CallGivenUp` when the signal or the limit comes first. The work behind the
 * promise is not stopped.
 * @template T
 * @param {Promise<T>} promise
 * @param {{signal?: AbortSignal | undefined, timeoutMs?: number | undefined}} limits
 * @returns {Promise<T>}
 * @throws {CallGivenUp}
 */
export function within(promise, { signal, timeoutMs }) {
  return new Promise((resolve, reject) => {
    /** @param {"cancelled" | "timed out"} why */
    const giveUp = (why) => {
      stop();
      reject(new CallGivenUp(why, { sent: false, answered: false, afterMs: timeoutMs }));
    };
    const cancel = () => giveUp("cancelled");
    const disarm = timeoutMs === undefined ? () => {} : later(timeoutMs, () => giveUp("timed out"));
    const stop = () => {
      disarm();
      signal?.removeEventListener("abort", cancel);
    };
    promise.then(resolve, reject).finally(stop);
    if (signal?.aborted) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
  });
}
