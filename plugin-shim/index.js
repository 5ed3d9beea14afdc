/**
 * handoff-sidecar's plugin for OpenCode 1.x. OpenCode calls every export as a plugin: there is one.
 *
 * One OpenCode process may initialise a plugin many times, and load two copies of it, perhaps of two versions.
 * They all share one sidecar, and the copy that came first makes everybody's hooks.
 */
import { Plugin } from "./lib/plugin.js";

const SHARED = Symbol.for("handoff-sidecar");

/**
 * @param {unknown} input
 * @param {unknown} [options]
 */
export default async (input, options) => {
  const shared = /** @type {Record<symbol, Plugin | undefined>} */ (globalThis);
  shared[SHARED] ??= new Plugin();
  return shared[SHARED].attach(input, options);
};
