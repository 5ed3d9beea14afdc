// @bun
/**
 * One child process: the command that starts it, its pipes, the last lines of its stderr, and how it ended.
 * Never holds OpenCode alive, and never writes to OpenCode's own terminal. Knows nothing of JSON-RPC.
 */
import { spawn as nodeSpawn } from "node:child_process";
import { statSync } from "node:fs";
import { posix, win32 } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure, later, within } from "./failures.js";
import { fill, MANIFEST } from "./manifest.js";

/** @typedef {typeof nodeSpawn} Spawn */

/**
 * @typedef {object} Command
 * @property {string[]} words
 * @property {boolean} mayFetch whether its first start may have to download the package
 */

/**
 * What differs between operating systems, and what tests put in its place.
 * @typedef {{isWindows: boolean, isProgram: (path: string) => boolean}} Machine
 */

/** @type {Machine} */
const HERE = { isWindows: process.platform === "win32", isProgram };

/**
 * How a process ended, as far as it is known.
 * @typedef {object} Exit
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {NodeJS.ErrnoException | null} spawnError set when the process never came to be
 * @property {string[]} stderr the last lines, oldest first
 */

const PACKAGE = "handoff-sidecar";
const FETCHER = "uvx";

/** Enough for a Python traceback's end; the rest would only be memory. */
const STDERR_CHARACTERS = 8_192;
const TOLD_CHARACTERS = 300;

/**
 * After a process has ended its pipes may still hold an answer. A grandchild that keeps them open must not
 * keep us waiting longer than this.
 */
const DRAIN_MS = 500;

/**
 * A folder that surely exists, so that ENOENT means the program, and that is no project's, so that nothing in
 * a project can pose as the program (Windows looks in the current folder first).
 */
const WORKING_FOLDER = fileURLToPath(new URL(".", import.meta.url));

/** The sidecar reaches OpenCode through the plugin: it has no use for the password. */
const WITHHELD = "OPENCODE_SERVER_PASSWORD";

/**
 * Which command starts the sidecar: the plugin's options, else the environment, else the installed program, else
 * one that uvx fetches.
 * @param {unknown} options the plugin's: {command: [...]} or {command: "words"}
 * @param {NodeJS.ProcessEnv} env HANDOFF_SIDECAR_COMMAND: a JSON array, or words
 * @param {Machine} [machine]
 * @returns {Command}
 * @throws {Failure} missing
 */
export function sidecarCommand(options, env, machine = HERE) {
  const { command } = /** @type {Record<string, unknown>} */ (options ?? {});
  const given =
    words(command) ?? words(parsed(env.HANDOFF_SIDECAR_COMMAND)) ?? words(env.HANDOFF_SIDECAR_COMMAND);
  if (given) return { words: given, mayFetch: false };
  const installed = onPath(PACKAGE, env, machine);
  if (installed) return { words: [installed, "stdio"], mayFetch: false };
  const fetcher = onPath(FETCHER, env, machine);
  if (!fetcher) throw new Failure("missing", { looked: [PACKAGE, FETCHER].join(", ") });
  // The version that this plugin was released with: any other might speak another protocol.
  return { words: [fetcher, "--from", `${PACKAGE}==${MANIFEST.version}`, PACKAGE, "stdio"], mayFetch: true };
}

export class SidecarProcess {
  #child;
  #stderr = "";

  /**
   * @param {string[]} command
   * @param {{env: NodeJS.ProcessEnv, spawn?: Spawn | undefined, drainMs?: number}} parts
   */
  constructor([program = "", ...args], { env, spawn = nodeSpawn, drainMs = DRAIN_MS }) {
    const passedOn = Object.entries(env).filter(([name]) => name.toUpperCase() !== WITHHELD);
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      cwd: WORKING_FOLDER,
      env: { ...MANIFEST.sidecarsEnvironment, ...Object.fromEntries(passedOn) },
    });
    this.#child = child;
    this.stdin = child.stdin;
    this.stdout = child.stdout;

    const decoder = new TextDecoder();
    child.stderr.on("data", (chunk) => {
      this.#stderr = (this.#stderr + decoder.decode(chunk, { stream: true })).slice(-STDERR_CHARACTERS);
    });
    child.stderr.on("error", () => {}); // a broken pipe says nothing that the exit doesn't

    /** Resolves once the process is gone and its pipes are read, or never came to be. @type {Promise<Exit>} */
    this.exited = new Promise((resolve) => {
      /**
       * @param {number | null} code
       * @param {NodeJS.Signals | null} signal
       * @param {NodeJS.ErrnoException | null} spawnError
       */
      const end = (code, signal, spawnError = null) => {
        const lines = this.#stderr.split("\n").map((line) => line.trimEnd());
        resolve({ code, signal, spawnError, stderr: lines.filter(Boolean) });
      };
      // Without this listener a missing program would end OpenCode itself.
      child.on("error", (error) => child.pid === undefined && end(null, null, error));
      child.on("close", (code, signal) => end(code, signal));
      child.on("exit", (code, signal) => later(drainMs, () => end(code, signal)));
    });

    child.unref();
    for (const pipe of [child.stdin, child.stdout, child.stderr]) {
      /** @type {{unref?: () => void}} */ (pipe).unref?.();
    }
  }

  /** At once, and without asking: for a process that doesn't react any more. */
  kill() {
    this.#child.kill("SIGKILL");
  }

  /**
   * Closes its stdin, which tells it to finish, and kills it when it has not gone after the wait.
   * @param {number} waitMs
   */
  async end(waitMs) {
    this.stdin.end();
    await within(this.exited, { timeoutMs: waitMs }).catch(() => this.kill());
  }
}

/** How a process ended, in parentheses. @param {Exit} exit */
export function ending({ code, signal, stderr }) {
  const { exit } = MANIFEST.sentences;
  const how = signal ? fill(exit.signal, { signal }) : fill(exit.code, { code });
  const line = stderr.at(-1)?.slice(0, TOLD_CHARACTERS);
  const parts = [signal || code !== null ? how : "", line && fill(exit.line, { line })];
  const said = parts.filter(Boolean).join("; ");
  return said && ` (${said})`;
}

/** @param {string | undefined} text */
function parsed(text = "") {
  try {
    return JSON.parse(text);
  } catch {
    return null; // words then
  }
}

/**
 * @param {unknown} value
 * @returns {string[] | null}
 */
function words(value) {
  const found = typeof value === "string" ? value.trim().split(/\s+/) : value;
  const isCommand =
    Array.isArray(found) && found.length > 0 && found.every((word) => word && typeof word === "string");
  return isCommand ? found : null;
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
  const path = env.PATH ?? (isWindows ? env.Path : "") ?? "";
  const folders = path.split(delimiter).filter(isAbsolute);
  return folders.map((folder) => join(folder, isWindows ? `${name}.exe` : name)).find(isProgram);
}

/** @param {string} path */
function isProgram(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (process.platform === "win32" || (found.mode & 0o111) !== 0);
}
