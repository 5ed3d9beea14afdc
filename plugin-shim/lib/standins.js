/**
 * The hooks that OpenCode has until the plugin is loaded, which costs a start: a good part of OpenCode's own work is
 * done in the same thread. They do what can't wait, remember what can, and load the plugin when it is needed, or when
 * the start is over; its own hooks come in their place then. A message is no reason: loaded beside a server's first one
 * it cost that +147 [+79, +183] ms (1.18.33, two cores, 12 pairs).
 */
import { defineTool } from "./registration.js";
import { Trigger } from "./trigger.js";
import { typedText } from "./typed.js";

/** OpenCode's own start, and a quick first answer of `opencode run`, are over by then. */
export const LOAD_DELAY_MS = 3_000;

/** They come by the hundred, and are of no use but for a message that the plugin has sent. */
const OF_NO_USE = /^message\.part\./;

const WAITING_HOOKS = [
  "experimental.compaction.autocontinue",
  "experimental.session.compacting",
  "tool.execute.before",
];

/** @typedef {import("./plugin.js").Hooks} Hooks */

/**
 * Should the plugin never be loaded, a tool says so, and all else is as if there were none.
 * @param {object} parts
 * @param {import("./manifest.js").Manifest} parts.manifest
 * @param {import("./registration.js").Commands} parts.commands
 * @param {(closed: AbortSignal) => Promise<Hooks>} parts.load the real hooks, which are in the place of these by then
 * @param {boolean} parts.hasOwnWords whether the person may have trigger words that only the sidecar knows
 * @param {number} parts.delayMs until it is loaded, if nothing needs it earlier
 * @returns {Hooks}
 */
export function standIns({ manifest, commands, load, hasOwnWords, delayMs }) {
  const trigger = new Trigger(manifest.triggerPattern);
  /** @type {[name: string, args: unknown[]][]} */
  const missed = [];
  /** @type {Promise<Hooks> | null} */
  let loading = null;
  let isOver = false;
  const closing = new AbortController();

  async function loadAll() {
    /** @type {Hooks} */
    const hooks = await load(closing.signal).catch((error) => ({ error }));
    isOver = true;
    for (const [name, args] of missed.splice(0)) void hooks[name]?.(...args);
    return hooks;
  }

  function loaded() {
    clearTimeout(timer);
    loading ??= loadAll();
    return loading;
  }

  const timer = setTimeout(loaded, delayMs);
  timer.unref?.();

  /** @param {string} name */
  const wait =
    (name) =>
    /** @param {unknown[]} args */
    async (...args) =>
      (await loaded())[name]?.(...args);

  /**
   * @param {string} name
   * @param {unknown[]} args
   */
  function remember(name, ...args) {
    if (isOver) return wait(name)(...args);
    missed.push([name, args]);
    return undefined;
  }

  const tools = manifest.tools.map(({ name, description }) => {
    /** @param {unknown[]} args */
    const execute = async (...args) => {
      const { tool, error } = await loaded();
      if (tool) return tool[name].execute(...args);
      const mend = "Run `handoff-sidecar install` again, then restart OpenCode.";
      throw new Error(
        `${name}: nothing was done, as handoff-sidecar could not be loaded (${error}). ${mend}`,
      );
    };
    return [name, { description, args: {}, execute }];
  });

  return {
    tool: Object.fromEntries(tools),

    /** @param {any} config */
    config: (config) => commands.addTo(config),

    /**
     * @param {any} input
     * @param {any} output
     */
    async "tool.definition"(input, output) {
      if (!defineTool(manifest, input, output)) remember("tool.definition", input, output);
    },

    /**
     * @param {any} input
     * @param {any} output
     */
    async "chat.message"(input, output) {
      const parts = Array.isArray(output?.parts) ? output.parts : [];
      if (hasOwnWords || trigger.test(typedText(parts))) return wait("chat.message")(input, output);
      return remember("chat.message", input, output);
    },

    /** @param {any} input */
    async "command.execute.before"(input, /** @type {unknown[]} */ ...rest) {
      if (commands.isImmediate(input?.command)) await wait("command.execute.before")(input, ...rest);
    },

    /** Of other messages there is nothing to be looked at again. @param {unknown[]} args */
    async "experimental.chat.messages.transform"(...args) {
      if (hasOwnWords || isOver) await wait("experimental.chat.messages.transform")(...args);
    },

    /** @param {any} input */
    async event(input) {
      if (!OF_NO_USE.test(input?.event?.type)) return remember("event", input);
    },

    async dispose() {
      clearTimeout(timer);
      closing.abort();
      if (loading) await wait("dispose")();
    },

    ...Object.fromEntries(WAITING_HOOKS.map((name) => [name, wait(name)])),
  };
}
