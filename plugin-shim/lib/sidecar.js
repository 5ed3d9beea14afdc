// @bun
/**
 * The sidecar, a child process: started when it is needed, greeted, called, started anew after a death, ended.
 * The one rule of its restarts: each failed start doubles the time that it is left alone, and a good one ends that.
 * Never holds OpenCode alive, and never writes to OpenCode's own terminal. Knows nothing of OpenCode: what to say in the
 * greeting and what to serve is handed in.
 */
import { spawn as nodeSpawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Connection } from "./connection.js";
import { cause, ending, Failure, isKind, later, seconds, startFailure, within } from "./failures.js";
import { MANIFEST } from "./manifest.js";

const { protocolVersion, waitMs } = MANIFEST;

/** @typedef {import("./connection.js").Json} Json */
/** @typedef {import("./failures.js").Exit} Exit */
/** @typedef {import("./manifest.js").Command} Command */
/** @typedef {typeof nodeSpawn} Spawn */
/** @typedef {typeof waitMs} Waits */
/** @typedef {{commands: Command[], process: Child, connection: Connection, ready: Promise<void>, isEnding: boolean}} Life */

/**
 * `killWhenStuck`: when it is over the time limit, or cancelled, and doesn't end the call.
 * @typedef {import("./connection.js").Limits & {killWhenStuck?: boolean}} How
 */

/**
 * @typedef {object} Parts
 * @property {() => Command[]} commands of which the first that is there is started
 * @property {() => Json} greeting params of `initialize`, but for the protocol
 * @property {(answer: unknown) => void} onReady
 * @property {Record<string, import("./connection.js").Handler>} handlers
 * @property {import("./host.js").Log} log
 * @property {NodeJS.ProcessEnv} [env]
 * @property {Partial<Waits>} [waitMs]
 * @property {Spawn | undefined} [spawn]
 * @property {() => number} [now] milliseconds
 */

/** Enough for a Python traceback's end; the rest would only be memory. */
const STDERR_CHARACTERS = 8_192;

/**
 * After a process has ended its pipes may still hold an answer. A grandchild that keeps them open must not
 * keep us waiting longer than this.
 */
const DRAIN_MS = 500;

/**
 * A folder that surely exists, so that ENOENT means the program, and that is no project's, so that nothing in
 * a project can pose as the program (Windows looks in the current folder first, and a PATH may have relative folders).
 */
const WORKING_FOLDER = fileURLToPath(new URL(".", import.meta.url));

/** The sidecar reaches OpenCode through the plugin: it has no use for the password. */
const WITHHELD = "OPENCODE_SERVER_PASSWORD";

export class Sidecar {
  #parts;
  #waitMs;
  #now;
  /** @type {Life | null} */
  #life = null;
  /** Failed starts in a row. */
  #failures = 0;
  /** @type {Error | null} */
  #lastFailure = null;
  #restingUntil = 0;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#waitMs = { ...waitMs, ...parts.waitMs };
    this.#now = parts.now ?? Date.now;
  }

  /**
   * Resolves when the sidecar is up and greeted; starts it if it isn't.
   * @returns {Promise<Life>}
   * @throws {Failure} why it can't be had
   */
  async start() {
    const restMs = this.#restingUntil - this.#now();
    if (!this.#life && restMs > 0) {
      const last = cause(this.#lastFailure);
      throw new Failure("resting", { starts: this.#failures, seconds: Math.ceil(restMs / 1_000), last });
    }
    const life = this.#life ?? this.#begin();
    await life.ready;
    return life;
  }

  /**
   * The sidecar's result. The time limit covers a start that is needed first.
   * @param {string} method
   * @param {Json} params
   * @param {How} [how]
   * @returns {Promise<unknown>}
   * @throws {RpcError | Failure}
   */
  async call(method, params, { signal, timeoutMs, graceMs, killWhenStuck = false } = {}) {
    const startedAt = this.#now();
    for (let attempt = 1; ; attempt++) {
      const life = await within(this.start(), { signal, timeoutMs });
      const restMs = timeoutMs === undefined ? undefined : timeoutMs - (this.#now() - startedAt);
      try {
        return await life.connection.request(method, params, { signal, timeoutMs: restMs, graceMs });
      } catch (error) {
        if (!(error instanceof Failure) || error.kind === "tooLarge") throw error;
        if (error.kind === "died") {
          this.#forget(life);
          // It died unnoticed before anything was sent: a new one can take the same call safely.
          if (!error.sent && attempt === 1) continue;
          throw new Failure("died", { ending: ending(await life.process.exited) }, error.sent);
        }
        if (killWhenStuck && !error.ended) {
          this.#forget(life); // whoever calls now gets a fresh one, and doesn't wait for this one's end
          life.process.kill();
        }
        // The person waited for the whole of it, of which a start may have been a part.
        throw new Failure(error.kind, seconds(timeoutMs), error.sent, error.ended);
      }
    }
  }

  /**
   * Tells a sidecar that is up; one that isn't has no use for it.
   * @param {string} method
   * @param {Json} params
   */
  notify(method, params) {
    const life = this.#life;
    life?.ready
      .then(() => life.connection.notify(method, params))
      .catch((error) => this.#parts.log("debug", `${method} was not sent: ${error}`));
  }

  /** Gone when this resolves, or killed; takes no longer than its limit and never throws. */
  async end() {
    const life = this.#life;
    if (!life) return;
    life.isEnding = true;
    this.#life = null;
    await life.process.end(this.#waitMs.end);
  }

  #begin() {
    const { handlers, log, env = process.env, spawn } = this.#parts;
    const commands = this.#parts.commands();
    const child = new Child(commands, { env, spawn });
    const connection = new Connection(child.stdout, child.stdin, { handlers, log });
    /** @type {Life} */
    const life = { commands, process: child, connection, ready: Promise.resolve(), isEnding: false };
    this.#life = life;
    life.ready = this.#greet(life);
    life.ready.catch(() => {}); // whoever waits for it hears of it; the background start may be alone

    child.exited.then((exit) => {
      connection.close();
      this.#forget(life);
      if (!life.isEnding)
        log("warn", `the sidecar ended${ending(exit)}; its last lines:\n${exit.stderr.join("\n")}`);
    });
    // One that still runs but has closed its stdout can't be talked to any more.
    connection.closed.then(() => {
      this.#forget(life);
      return child.end(this.#waitMs.end);
    });
    return life;
  }

  /** @param {Life} life */
  async #greet(life) {
    const timeoutMs = life.process.mayFetch ? this.#waitMs.fetch : this.#waitMs.initialize;
    try {
      const greeting = { protocolVersion, ...this.#parts.greeting() };
      const answer = await life.connection.request("initialize", greeting, { timeoutMs, graceMs: 0 });
      this.#failures = 0;
      this.#parts.onReady(answer);
    } catch (error) {
      this.#forget(life);
      if (!isKind(error, "died")) life.process.kill();
      life.connection.close();
      const failure = startFailure(error, life.commands, await life.process.exited, timeoutMs);
      if (!life.isEnding) this.#failed(failure);
      throw failure;
    }
  }

  /** @param {Failure} failure */
  #failed(failure) {
    this.#lastFailure = failure;
    this.#failures += 1;
    // 0, 1, 3, 7 … s: who tries once more is not kept waiting, and what is broken is not tried without end.
    const restMs = (2 ** (this.#failures - 1) - 1) * 1_000;
    this.#restingUntil = this.#now() + Math.min(restMs, this.#waitMs.longestRest);
  }

  /** @param {Life} life */
  #forget(life) {
    if (this.#life === life) this.#life = null;
  }
}

/** One process: its pipes, the last lines of its stderr, and how it ended. */
class Child {
  #child;
  #stderr = "";

  /**
   * @param {Command[]} commands
   * @param {{env: NodeJS.ProcessEnv, spawn?: Spawn | undefined}} parts
   */
  constructor(commands, { env, spawn = nodeSpawn }) {
    const variables = Object.entries({ ...MANIFEST.sidecarsEnvironment, ...env });
    const passedOn = variables.filter(([name]) => name.toUpperCase() !== WITHHELD);
    const { child, mayFetch } = started(commands, spawn, Object.fromEntries(passedOn));
    this.#child = child;
    this.mayFetch = mayFetch;
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
      // Without a listener a missing program would end OpenCode itself.
      child.on("error", (error) => child.pid === undefined && end(null, null, error));
      child.on("close", (code, signal) => end(code, signal));
      child.on("exit", (code, signal) => later(DRAIN_MS, () => end(code, signal)));
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

/**
 * The first of the programs that is there, or the last one's failure.
 * @param {Command[]} commands
 * @param {Spawn} spawn
 * @param {NodeJS.ProcessEnv} env
 */
function started([{ words, mayFetch }, ...others], spawn, env) {
  const [program = "", ...args] = words;
  const child = spawn(program, args, { stdio: "pipe", windowsHide: true, cwd: WORKING_FOLDER, env });
  if (child.pid !== undefined || others.length === 0) return { child, mayFetch };
  child.on("error", () => {}); // without a listener this would end OpenCode itself
  return started(others, spawn, env);
}
