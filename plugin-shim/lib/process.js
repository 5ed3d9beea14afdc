/**
 * One child process: its pipes, the last lines of its stderr, and how it ended.
 * Never holds OpenCode alive, and never writes to OpenCode's own terminal. Knows nothing of JSON-RPC.
 */
import { spawn as nodeSpawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { later } from "./deadline.js";

/** @typedef {import("./errors.js").Exit} Exit */
/** @typedef {typeof nodeSpawn} Spawn */

/** Enough for a Python traceback's end; the rest would only be memory. */
const STDERR_LINES = 20;
const STDERR_CHARACTERS = 8_192;

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
const WITHHELD = new Set(["OPENCODE_SERVER_PASSWORD"]);

export class SidecarProcess {
  #child;
  #stderr = "";

  /**
   * @param {string[]} command
   * @param {{env?: NodeJS.ProcessEnv, spawn?: Spawn, drainMs?: number}} [parts]
   */
  constructor([program = "", ...args], { env = process.env, spawn = nodeSpawn, drainMs = DRAIN_MS } = {}) {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      cwd: WORKING_FOLDER,
      env: Object.fromEntries(Object.entries(env).filter(([name]) => !WITHHELD.has(name.toUpperCase()))),
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
      const end = (code, signal, spawnError = null) =>
        resolve({ code, signal, spawnError, stderr: this.#lines() });
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
    let disarm = () => {};
    const overdue = new Promise((resolve) => {
      disarm = later(waitMs, () => {
        this.kill();
        resolve(undefined);
      });
    });
    await Promise.race([this.exited, overdue]);
    disarm();
  }

  #lines() {
    return this.#stderr
      .split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => line !== "")
      .slice(-STDERR_LINES);
  }
}
