/**
 * Sets of hooks: several made one, made safe, and handed to OpenCode.
 * Knows nothing of what a hook does.
 */
import { MeantThrow } from "../errors.js";

/** @typedef {Record<string, any>} Hooks */

/**
 * One set of several; hooks of the same name run one after the other.
 * @param {Hooks[]} sets
 * @returns {Hooks}
 */
export function combined(sets) {
  /** @type {Hooks} */
  const all = {};
  for (const [name, hook] of sets.flatMap((set) => Object.entries(set))) {
    const earlier = all[name];
    all[name] = earlier
      ? async (/** @type {unknown[]} */ ...args) => {
          await earlier(...args);
          await hook(...args);
        }
      : hook;
  }
  return all;
}

/**
 * A throw in a hook would end what OpenCode was doing, and lose what the person typed. Only one that is meant to
 * gets out.
 * @param {Hooks} hooks
 * @param {import("../connection.js").Log} log
 * @returns {Hooks}
 */
export function guarded(hooks, log) {
  const safe = Object.entries(hooks).map(([name, hook]) => {
    if (typeof hook !== "function") return [name, hook];
    /** @param {unknown[]} args */
    const guard = async (...args) => {
      try {
        const work = hook(...args);
        if (work) await work;
      } catch (error) {
        if (error instanceof MeantThrow) throw error;
        log("error", `hook ${name}: ${error instanceof Error ? error.stack : error}`);
      }
    };
    return [name, guard];
  });
  return Object.fromEntries(safe);
}

/**
 * A tool that OpenCode has taken already stays the object that it is.
 * @param {Hooks} hooks
 * @param {Hooks} given what OpenCode has
 */
export function hand(hooks, given) {
  const tool = given.tool ?? {};
  for (const [name, definition] of Object.entries(hooks.tool)) {
    tool[name] = Object.assign(tool[name] ?? {}, definition);
  }
  Object.assign(given, hooks, { tool });
}

/**
 * All of them, and the tools.
 * @param {Hooks} given what OpenCode has
 */
export function takeBack(given) {
  for (const hooks of [given.tool ?? {}, given]) {
    for (const name of Object.keys(hooks)) delete hooks[name];
  }
}
