/**
 * Which command starts the sidecar: the plugin's options, else the environment, else the installed program, else
 * one that uvx fetches.
 * Knows nothing of processes.
 */
import { statSync } from "node:fs";
import { posix, win32 } from "node:path";
import { SidecarMissing } from "./errors.js";

const PACKAGE = "handoff-sidecar";
const FETCHER = "uvx";

/**
 * What differs between operating systems, and what tests put in its place.
 * @typedef {object} Machine
 * @property {boolean} isWindows
 * @property {(path: string) => boolean} isProgram
 */

/** @type {Machine} */
const HERE = { isWindows: process.platform === "win32", isProgram };

/**
 * @typedef {object} Command
 * @property {string[]} words
 * @property {boolean} mayFetch whether its first start may have to download the package
 */

/**
 * @param {unknown} options the plugin's: {command: [...]} or {command: "words"}
 * @param {NodeJS.ProcessEnv} env HANDOFF_SIDECAR_COMMAND: a JSON array, or words
 * @param {() => string} version of the package that uvx is to fetch
 * @param {Machine} [machine]
 * @returns {Command}
 * @throws {SidecarMissing}
 */
export function sidecarCommand(options, env, version, machine = HERE) {
  const given = words(/** @type {any} */ (options)?.command) ?? fromEnvironment(env.HANDOFF_SIDECAR_COMMAND);
  if (given) return { words: given, mayFetch: false };
  const installed = onPath(PACKAGE, env, machine);
  if (installed) return { words: [installed, "stdio"], mayFetch: false };
  const fetcher = onPath(FETCHER, env, machine);
  if (!fetcher) throw new SidecarMissing([PACKAGE, FETCHER]);
  // The version that this plugin was released with: any other might speak another protocol.
  return { words: [fetcher, "--from", `${PACKAGE}==${version()}`, PACKAGE, "stdio"], mayFetch: true };
}

/** @param {string | undefined} text */
function fromEnvironment(text) {
  try {
    return words(JSON.parse(text ?? "")) ?? words(text);
  } catch {
    return words(text); // not JSON: words then
  }
}

/**
 * @param {unknown} value
 * @returns {string[] | null}
 */
function words(value) {
  if (typeof value === "string") return value.trim() ? value.trim().split(/\s+/) : null;
  const isCommand =
    Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string" && word);
  return isCommand ? value : null;
}

/**
 * The program's absolute path. Relative entries of the PATH are passed over: they would let a project's folder say
 * what is started.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @param {Machine} machine
 */
function onPath(name, env, { isWindows, isProgram }) {
  const { delimiter, isAbsolute, join } = isWindows ? win32 : posix;
  const file = isWindows ? `${name}.exe` : name;
  const path =
    Object.entries(env).find(([key]) => (isWindows ? key.toUpperCase() : key) === "PATH")?.[1] ?? "";
  return path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, file))
    .find(isProgram);
}

/** @param {string} path */
function isProgram(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (process.platform === "win32" || (found.mode & 0o111) !== 0);
}
