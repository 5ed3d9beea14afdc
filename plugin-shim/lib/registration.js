/**
 * What OpenCode takes while it starts: tools, commands, and the signs of its age.
 * Knows nothing of what they do.
 */

/**
 * In what OpenCode hands to a plugin: absent in 1.1.65 and 1.3.2, there in 1.14.48, 1.15.13 and 1.18.33. It tells an
 * old one without asking, for which there is no time before the hooks are taken.
 */
const SIGN_OF_A_NEW_OPENCODE = "experimental_workspace";

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
 * Gives a tool of ours its schema, when OpenCode asks about one for a request to a model. Of two plugins with a tool of
 * the same name one gets the calls, in no order that we could choose (1.18.33): a description tells whose tool it is.
 * @param {Manifest} manifest
 * @param {any} input
 * @param {any} output
 * @returns {boolean} false if another plugin's tool has a name of ours
 */
export function defineTool(manifest, input, output) {
  const tool = manifest.tools.find(({ name }) => name === input?.toolID);
  if (!tool || !output) return true;
  const { description } = output;
  if (typeof description === "string" && !description.includes(tool.description)) return false;
  output.jsonSchema = structuredClone(tool.parameters);
  return true;
}
