/**
 * handoff-sidecar's plugin for OpenCode 1.x. OpenCode calls every export as a plugin: there is one.
 *
 * One OpenCode process may initialise a plugin many times, and load two copies of it, perhaps of two versions.
 * They all share one sidecar, and the copy that came first makes everybody's hooks.
 *
 * OpenCode waits for this file and what it imports, so that is little: the rest is loaded while OpenCode goes on.
 */
import { readManifest } from "./lib/manifest.js";
import { Commands, looksNew, standIns } from "./lib/registration.js";

const SHARED = Symbol.for("handoff-sidecar");

/**
 * @param {unknown} input
 * @param {unknown} [options]
 */
export default async (input, options) => {
  const manifest = readManifest();
  const commands = new Commands(manifest.commands);
  /** @type {Promise<import("./lib/plugin.js").Hooks>} */
  const real = import("./lib/plugin.js").then(({ Plugin }) => {
    const shared = /** @type {Record<symbol, InstanceType<typeof Plugin> | undefined>} */ (globalThis);
    shared[SHARED] ??= new Plugin();
    return shared[SHARED].give(given, commands, input, options);
  });
  const given = looksNew(input) ? standIns(manifest, commands, real) : {};
  return given;
};
