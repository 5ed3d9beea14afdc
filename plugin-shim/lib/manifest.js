// @bun
/**
 * What this side has of Python before any of it runs: tools.json, which Python makes (tools, commands, limits, waits, codes,
 * and every sentence); the pattern of messages that may be the trigger; and the command that starts the sidecar.
 */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** @typedef {typeof import("../tools.json")} Manifest */
/** @typedef {import("./opencode.js").Tools} Tools */
/** @typedef {{source: string, flags: string}} Pattern */

/**
 * @typedef {object} Command
 * @property {string[]} words
 * @property {boolean} mayFetch whether its first start may have to download the package
 */

/** @type {Manifest} */
export const MANIFEST = JSON.parse(readFileSync(new URL("../tools.json", import.meta.url), "utf8"));

const PACKAGE = "handoff-sidecar";
const FETCHER = "uvx";

/**
 * A sentence with its `{words}` in place.
 * @param {string} sentence
 * @param {Record<string, unknown>} words
 */
export function fill(sentence, words) {
  return sentence.replace(/\{(\w+)\}/g, (hole, name) => (name in words ? String(words[name]) : hole));
}

/**
 * Our tools as OpenCode takes them: any other `args` is fatal in one version or another.
 * @param {(name: string, args: unknown, context: import("./opencode.js").ToolContext) => Promise<import("./opencode.js").ToolAnswer>} call
 * @returns {Tools}
 */
export function toolsOf(call) {
  return Object.fromEntries(
    MANIFEST.tools.map(({ name, description }) => {
      return [name, { description, args: {}, execute: call.bind(null, name) }];
    }),
  );
}

/**
 * Takes all back that OpenCode was given: it looks each hook up when it calls it.
 * @param {import("./opencode.js").Hooks} given
 */
export function emptied(given) {
  for (const hooks of [given.tool ?? {}, given])
    for (const name of Object.keys(hooks)) Reflect.deleteProperty(hooks, name);
  return given;
}

/** Adds our commands where their names are free. @param {import("./opencode.js").Config} config OpenCode's */
export function nameCommands(config) {
  config.command ??= {};
  for (const { name, description, template } of MANIFEST.commands)
    config.command[name] ??= { description, template };
}

/** Without us they would go to the model. @param {import("./opencode.js").Config} config OpenCode's */
export function unnameCommands({ command = {} }) {
  for (const { name, template } of MANIFEST.commands)
    if (command[name]?.template === template) Reflect.deleteProperty(command, name);
}

/**
 * The pattern of messages that may be the trigger. The sidecar leaves the person's own in a file, so that it counts
 * before one is started; where that file can't be trusted, the sidecar is asked of each message until it has told.
 */
export class Trigger {
  #pattern = new RegExp(MANIFEST.triggerPattern.source, MANIFEST.triggerPattern.flags);
  /** Whether the pattern is the person's, or will stay as it is. */
  isKnown = false;

  /** @param {NodeJS.ProcessEnv} env */
  constructor(env) {
    try {
      const pattern = patternOf(env);
      if (pattern) this.adopt(pattern);
      this.isKnown = true; // without settings there are no words of one's own
    } catch {
      // No file, one of other settings, or one that can't be read: the sidecar will tell.
    }
  }

  /** @param {string} text */
  test(text) {
    return this.#pattern.test(text);
  }

  /** @param {Pattern} pattern */
  adopt(pattern) {
    this.#pattern = new RegExp(pattern.source, pattern.flags);
    this.isKnown = true;
  }
}

/**
 * The person's own, or null if there are no settings.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Pattern | null}
 * @throws {Error} it is not known
 */
function patternOf({ OPENCODE_CONFIG_DIR, XDG_CONFIG_HOME, XDG_STATE_HOME, LOCALAPPDATA, HOME }) {
  const home = HOME || homedir();
  const config = OPENCODE_CONFIG_DIR || join(XDG_CONFIG_HOME || join(home, ".config"), "opencode");
  const path = join(config, "handoff.json");
  const settings = statSync(path, { throwIfNoEntry: false });
  if (!settings) return null;
  /** @type {Partial<Record<string, string | undefined>>} */
  const others = { win32: LOCALAPPDATA, darwin: join(home, "Library", "Application Support") };
  const states = others[process.platform] ?? (XDG_STATE_HOME || join(home, ".local", "state"));
  const left = JSON.parse(readFileSync(join(states, "handoff-sidecar", "trigger.json"), "utf8"));
  const { size, mtimeMs } = settings;
  if (left.path !== path || left.bytes !== size || left.time !== Math.floor(mtimeMs))
    throw new Error("the settings have changed since, or are others");
  return left;
}

/**
 * Which commands start the sidecar, the first one that is there: the plugin's options, else the environment, else the
 * installed program or one that uvx fetches.
 * @param {unknown} options the plugin's: {command: [...]} or {command: "words"}
 * @param {NodeJS.ProcessEnv} env HANDOFF_SIDECAR_COMMAND: a JSON array, or words
 * @returns {Command[]}
 */
export function sidecarCommands(options, env) {
  const { command } = /** @type {Record<string, unknown>} */ (options ?? {});
  const given = words(command) ?? words(env.HANDOFF_SIDECAR_COMMAND);
  if (given) return [{ words: given, mayFetch: false }];
  // The version that this plugin was released with: any other might speak another protocol.
  const release = `${PACKAGE}==${MANIFEST.version}`;
  return [
    { words: [PACKAGE, "stdio"], mayFetch: false },
    { words: [FETCHER, "--from", release, PACKAGE, "stdio"], mayFetch: true },
  ];
}

/**
 * @param {unknown} value a list of words, that as JSON, or words
 * @returns {string[] | null}
 */
function words(value) {
  let found = value;
  try {
    if (typeof value === "string") found = JSON.parse(value);
  } catch {
    found = String(value).trim().split(/\s+/);
  }
  if (!Array.isArray(found) || found.length === 0) return null;
  return found.every((word) => word && typeof word === "string") ? found : null;
}
