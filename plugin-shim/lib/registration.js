/**
 * What OpenCode takes while it starts: tools, commands, and the names of hooks. OpenCode waits for it, so this is all
 * that is loaded by then; the hooks stand in for the real ones until those are there, a few milliseconds later.
 * Knows nothing of what the hooks do.
 */

/**
 * In what OpenCode hands to a plugin: absent in 1.1.65 and 1.3.2, there in 1.14.48, 1.15.13 and 1.18.33. It tells an
 * old one without asking, for which there is no time before the hooks are taken.
 */
const SIGN_OF_A_NEW_OPENCODE = "experimental_workspace";

/** Those that have nothing to say before the real ones are there, and wait for them. */
const WAITING_HOOKS = [
  "chat.message",
  "command.execute.before",
  "dispose",
  "event",
  "experimental.chat.messages.transform",
  "experimental.compaction.autocontinue",
  "experimental.session.compacting",
  "tool.definition",
];

/** @typedef {import("./plugin.js").Hooks} Hooks */
/** @typedef {import("./manifest.js").Manifest} Manifest */

/** @param {unknown} input OpenCode's */
export function looksNew(input) {
  return SIGN_OF_A_NEW_OPENCODE in Object(input);
}

/** The commands of tools.json. A command that the user has made stays as it is. */
export class Commands {
  #commands;
  /** Those that the user has made. @type {Set<string>} */
  #theirs = new Set();

  /** @param {Manifest["commands"]} commands */
  constructor(commands) {
    this.#commands = commands;
  }

  /** @param {any} config OpenCode's */
  addTo(config) {
    config.command ??= {};
    for (const { name, description, template } of this.#commands) {
      if (config.command[name] && config.command[name].template !== template) this.#theirs.add(name);
      config.command[name] ??= { description, template };
    }
  }

  /** Whether the sidecar carries it out before any model sees it. @param {string} command */
  isImmediate(command) {
    return (
      this.#commands.some(({ name, immediate }) => name === command && immediate) &&
      !this.#theirs.has(command)
    );
  }
}

/**
 * Hooks that pass on to the real ones as soon as these are there. Should they never be, a tool says so, and all else is
 * as if there were no plugin.
 * @param {Manifest} manifest
 * @param {Commands} commands
 * @param {Promise<Hooks>} real
 * @returns {Hooks}
 */
export function standIns(manifest, commands, real) {
  const loaded = real.catch((error) => ({ error }));
  const tools = manifest.tools.map(({ name, description }) => {
    /** @param {unknown[]} args */
    const execute = async (...args) => {
      const { tool, error } = /** @type {Hooks} */ (await loaded);
      if (tool) return tool[name].execute(...args);
      const mend = "Run `handoff-sidecar install` again, then restart OpenCode.";
      throw new Error(
        `${name}: nothing was done, as handoff-sidecar could not be loaded (${error}). ${mend}`,
      );
    };
    return [name, { description, args: {}, execute }];
  });
  const waiting = WAITING_HOOKS.map((name) => {
    /** @param {unknown[]} args */
    const hook = async (...args) => /** @type {Hooks} */ (await loaded)[name]?.(...args);
    return [name, hook];
  });
  return {
    tool: Object.fromEntries(tools),
    /** @param {any} config */
    config: (config) => commands.addTo(config),
    ...Object.fromEntries(waiting),
  };
}
