/**
 * handoff-sidecar's plugin for OpenCode 1.x. OpenCode calls every export as a plugin: there is one.
 *
 * One OpenCode process may initialise a plugin many times, and load two copies of it, perhaps of two versions.
 * They all share one sidecar, and the copy that is loaded first makes everybody's hooks.
 *
 * OpenCode waits for this file and what it imports, so that is little: the rest is loaded when it is needed, or when
 * OpenCode's start is over.
 */
import { readManifest } from "./lib/manifest.js";
import { markPromptsOf } from "./lib/persons.js";
import { Commands, looksNew } from "./lib/registration.js";
import { mayNameTriggerWords } from "./lib/settings.js";
import { LOAD_DELAY_MS, standIns } from "./lib/standins.js";

const SHARED = Symbol.for("handoff-sidecar");

/**
 * @param {unknown} input
 * @param {unknown} [options]
 */
export default async (input, options) => {
  const manifest = readManifest();
  markPromptsOf(/** @type {any} */ (input)?.client);
  const commands = new Commands(manifest.commands);
  /** @param {AbortSignal} [closed] */
  const load = async (closed) => {
    const { Plugin } = await import("./lib/plugin.js");
    const shared = /** @type {Record<symbol, InstanceType<typeof Plugin> | undefined>} */ (globalThis);
    shared[SHARED] ??= new Plugin();
    return shared[SHARED].give(given, commands, input, options, closed);
  };
  /** @type {import("./lib/plugin.js").Hooks} */
  const given = {};
  if (looksNew(input)) {
    const hasOwnWords = mayNameTriggerWords(process.env);
    // Once it is loaded for one directory, OpenCode's start is over and another one costs next to nothing.
    const delayMs = hasOwnWords || SHARED in globalThis ? 0 : LOAD_DELAY_MS;
    Object.assign(given, standIns({ manifest, commands, load, hasOwnWords, delayMs }));
  } else {
    setTimeout(() => load().catch(() => {})); // without the plugin there is nothing that could be told
  }
  return given;
};
