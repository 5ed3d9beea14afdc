/**
 * All that OpenCode calls, in one list: a new concern is a file that makes its own hooks, and a name in `MAKERS`.
 * Hooks of the same name run one after the other, in the order of that list.
 */
import { eventHooks } from "./events.js";
import { MeantThrow } from "./failures.js";
import { lockHooks } from "./locking.js";
import { messageHooks } from "./messages.js";
import { toolHooks } from "./tools.js";
import { windowHooks } from "./windows.js";

/** @typedef {Record<string, any>} Hooks */

const MAKERS = [toolHooks, lockHooks, messageHooks, eventHooks, windowHooks];

/**
 * The hooks of one initialisation. A throw in a hook would end what OpenCode was doing, and lose what the person typed:
 * only one that is meant to gets out.
 * @param {import("./plugin.js").Plugin} plugin
 * @param {import("./host.js").Instance} instance
 * @returns {Hooks}
 */
export function hooksOf(plugin, instance) {
  const sets = [...MAKERS.map((make) => make(plugin, instance)), { dispose: () => plugin.close(instance) }];
  /** @type {Hooks} */
  const all = {};
  for (const name of new Set(sets.flatMap(Object.keys))) {
    const hooks = sets.flatMap((/** @type {Hooks} */ set) => set[name] ?? []);
    all[name] = typeof hooks[0] === "function" ? guarded(name, hooks, plugin.log) : hooks[0];
  }
  return all;
}

/**
 * @param {string} name
 * @param {((...args: unknown[]) => unknown)[]} hooks
 * @param {import("./host.js").Log} log
 */
function guarded(name, hooks, log) {
  return async (/** @type {unknown[]} */ ...args) => {
    for (const hook of hooks) {
      try {
        const work = hook(...args);
        if (work) await work; // the others of an event run at once
      } catch (error) {
        if (error instanceof MeantThrow) throw error;
        log("error", `hook ${name}: ${error instanceof Error ? error.stack : error}`);
      }
    }
  };
}
