/**
 * Time limits that never hold OpenCode alive, and promises that are waited for no longer than that.
 * Knows nothing of what is being waited for.
 */
import { Failure } from "./failures.js";

/**
 * @param {number} ms no more than no time where it has passed: Node and Bun print a warning of that, onto the TUI's screen
 * @param {() => void} action
 * @returns {() => void} takes it back
 */
export function later(ms, action) {
  const timer = setTimeout(action, Math.max(ms, 0));
  timer.unref?.();
  return () => clearTimeout(timer);
}

/**
 * Calls `giveUp` when the signal or the limit comes, whichever is first.
 * @param {{signal?: AbortSignal | undefined, timeoutMs?: number | undefined}} limits
 * @param {(kind: "cancelled" | "late") => void} giveUp
 * @returns {() => void} takes it back
 */
export function watch({ signal, timeoutMs }, giveUp) {
  const cancel = () => giveUp("cancelled");
  const disarm = timeoutMs === undefined ? () => {} : later(timeoutMs, () => giveUp("late"));
  if (signal?.aborted) cancel();
  else signal?.addEventListener("abort", cancel, { once: true });
  return () => {
    disarm();
    signal?.removeEventListener("abort", cancel);
  };
}

/**
 * The promise's own outcome, or a `Failure` when the signal or the limit comes first. The work behind the promise is
 * not stopped.
 * @template T
 * @param {Promise<T>} promise
 * @param {{signal?: AbortSignal | undefined, timeoutMs?: number | undefined}} limits
 * @returns {Promise<T>}
 * @throws {Failure} cancelled, late
 */
export function within(promise, limits) {
  return new Promise((resolve, reject) => {
    const stop = watch(limits, (kind) => reject(new Failure(kind, seconds(limits.timeoutMs))));
    promise.then(resolve, reject).finally(() => stop());
  });
}

/** The words of a sentence on a time limit. @param {number | undefined} ms */
export const seconds = (ms = 0) => ({ seconds: ms / 1_000 });
