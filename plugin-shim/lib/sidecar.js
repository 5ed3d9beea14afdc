/**
 * The sidecar's life: started when it is needed, greeted, called, started anew after a death, left alone for
 * a while after too many failed starts and for good after too many more, ended.
 * Knows nothing of OpenCode: what to say in the greeting and what to serve is handed in.
 */
import { Connection } from "./connection.js";
import { within } from "./deadline.js";
import {
  CallGivenUp,
  ConnectionClosed,
  PROTOCOL_MISMATCH,
  RpcError,
  SidecarDied,
  SidecarError,
  SidecarNotFound,
  SidecarResting,
  SidecarStartFailed,
  SidecarStopped,
} from "./errors.js";
import { SidecarProcess } from "./process.js";

/** @typedef {import("./connection.js").Json} Json */

export const PROTOCOL_VERSION = 1;

export const LIMITS = {
  /** A cold Python on a busy machine takes seconds; beyond this something is wrong. */
  initializeMs: 10_000,
  /** When the program may have to be downloaded first: 15 MB over a slow line. */
  fetchMs: 120_000,
  /** dispose holds up OpenCode's exit for this long at most. */
  endMs: 900,
  /** This many failed starts within the window, and it is left alone for the rest time. */
  startFailures: 5,
  startWindowMs: 60_000,
  restMs: 30_000,
  /** So many failed starts in a row will not mend themselves: the person has been told, and restarts OpenCode. */
  startFailuresAtMost: 10,
};

/** @typedef {import("./command.js").Command} Command */
/**
 * @typedef {{command: Command, process: SidecarProcess, connection: Connection, ready: Promise<void>,
 *   isEnding: boolean}} Life
 */

export class Sidecar {
  #command;
  #greeting;
  #onReady;
  /** Where it keeps the briefs, as it last said. @type {string | null} */
  briefs = null;
  #handlers;
  #log;
  #limits;
  #parts;
  #now;
  /** @type {Life | null} */
  #life = null;
  /** When starts failed, within the window. @type {number[]} */
  #failures = [];
  #restingUntil = 0;
  #failuresInARow = 0;
  /** @type {SidecarError | null} */
  #lastFailure = null;

  /**
   * @param {object} parts
   * @param {() => Command} parts.command asked at each start; may throw a SidecarError
   * @param {() => Promise<Json>} parts.greeting parameters of `initialize`, without the protocol's number
   * @param {(answer: Json) => void} parts.onReady
   * @param {Record<string, import("./connection.js").Handler>} parts.handlers
   * @param {import("./connection.js").Log} parts.log
   * @param {Partial<typeof LIMITS>} [parts.limits]
   * @param {NodeJS.ProcessEnv} [parts.env]
   * @param {import("./process.js").Spawn} [parts.spawn]
   * @param {() => number} [parts.now] milliseconds
   */
  constructor({ command, greeting, onReady, handlers, log, limits, env, spawn, now = Date.now }) {
    this.#command = command;
    this.#greeting = greeting;
    this.#onReady = onReady;
    this.#handlers = handlers;
    this.#log = log;
    this.#limits = { ...LIMITS, ...limits };
    this.#parts = { ...(env && { env }), ...(spawn && { spawn }) };
    this.#now = now;
  }

  /**
   * Resolves when the sidecar is up and greeted; starts it if it isn't.
   * @throws {SidecarMissing | SidecarNotFound | SidecarStartFailed | SidecarResting | SidecarStopped}
   */
  async start() {
    await this.#alive();
  }

  /**
   * The sidecar's result. The time limit covers a start that is needed first.
   * @param {string} method
   * @param {Json} params
   * @param {object} [how]
   * @param {AbortSignal | undefined} [how.signal]
   * @param {number} [how.timeoutMs]
   * @param {number} [how.graceMs] how long it may take to end a cancelled call
   * @param {boolean} [how.killWhenStuck] when it is over the time limit, or cancelled, and doesn't end the call
   * @returns {Promise<any>}
   * @throws {SidecarError | RpcError | CallGivenUp}
   */
  async call(method, params, { signal, timeoutMs, graceMs, killWhenStuck = false } = {}) {
    const startedAt = this.#now();
    for (let attempt = 1; ; attempt++) {
      const life = await within(this.#alive(), { signal, timeoutMs });
      const restMs = timeoutMs === undefined ? undefined : timeoutMs - (this.#now() - startedAt);
      try {
        return await life.connection.request(method, params, { signal, timeoutMs: restMs, graceMs });
      } catch (error) {
        if (error instanceof ConnectionClosed) {
          this.#forget(life);
          // It died unnoticed before anything was sent: a new one can take the same call safely.
          if (!error.sent && attempt === 1) continue;
          throw new SidecarDied(await life.process.exited);
        }
        if (error instanceof CallGivenUp) {
          error.afterMs = timeoutMs;
          if (killWhenStuck && !error.answered) {
            this.#forget(life); // whoever calls now gets a fresh one, and doesn't wait for this one's end
            life.process.kill();
          }
        }
        throw error;
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
      .catch((error) => this.#log("debug", `${method} was not sent: ${error}`));
  }

  /** Gone when this resolves, or killed; takes no longer than its limit and never throws. */
  async end() {
    const life = this.#life;
    if (!life) return;
    life.isEnding = true;
    this.#life = null;
    await life.process.end(this.#limits.endMs);
  }

  /** @returns {Promise<Life>} */
  async #alive() {
    if (!this.#life) {
      if (this.#failuresInARow >= this.#limits.startFailuresAtMost) {
        throw new SidecarStopped(this.#failuresInARow, this.#lastFailure);
      }
      const retryInMs = this.#restingUntil - this.#now();
      if (retryInMs > 0) throw new SidecarResting(retryInMs, this.#lastFailure);
      this.#life = this.#begin();
    }
    const life = this.#life;
    await life.ready;
    return life;
  }

  /** @returns {Life} */
  #begin() {
    const command = this.#command();
    const process = this.#spawn(command);
    const connection = new Connection(process.stdout, process.stdin, {
      handlers: this.#handlers,
      log: this.#log,
    });
    /** @type {Life} */
    const life = { command, process, connection, ready: Promise.resolve(), isEnding: false };
    life.ready = this.#greet(life);
    life.ready.catch(() => {}); // whoever waits for it hears of it; the background start may be alone

    process.exited.then((exit) => {
      connection.close();
      this.#forget(life);
      if (life.isEnding) return;
      const how = exit.spawnError?.message ?? `exit code ${exit.code}, signal ${exit.signal}`;
      this.#log("warn", [`the sidecar ended (${how}); its last lines:`, ...exit.stderr].join("\n"));
    });
    // One that still runs but has closed its stdout can't be talked to any more.
    connection.closed.then(() => {
      this.#forget(life);
      return process.end(this.#limits.endMs);
    });
    return life;
  }

  /** @param {Command} command */
  #spawn({ words }) {
    try {
      return new SidecarProcess(words, this.#parts);
    } catch (error) {
      // Some runtimes report a program that can't be run by throwing, others by an event.
      const spawnError = /** @type {NodeJS.ErrnoException} */ (error);
      const exit = { code: null, signal: null, spawnError, stderr: [] };
      const failure = new SidecarNotFound(words[0] ?? "", exit);
      this.#recordFailure(failure);
      throw failure;
    }
  }

  /** @param {Life} life */
  async #greet(life) {
    try {
      const greeting = { protocolVersion: PROTOCOL_VERSION, ...(await this.#greeting()) };
      const answer = await life.connection.request("initialize", greeting, {
        timeoutMs: this.#startLimitMs(life),
        graceMs: 0,
      });
      checkAnswer(answer);
      this.#failures = [];
      this.#failuresInARow = 0;
      if (typeof answer.briefs === "string") this.briefs = answer.briefs;
      this.#onReady(answer);
    } catch (error) {
      this.#forget(life);
      const failure = await this.#startFailure(life, error);
      if (!life.isEnding) this.#recordFailure(failure);
      throw failure;
    }
  }

  /**
   * @param {Life} life
   * @param {unknown} error
   * @returns {Promise<SidecarError>}
   */
  async #startFailure(life, error) {
    if (error instanceof ConnectionClosed) {
      const exit = await life.process.exited;
      if (exit.spawnError) return new SidecarNotFound(life.command.words[0] ?? "", exit);
      return new SidecarStartFailed("ended", "the sidecar stopped while it was starting", exit);
    }
    life.process.kill();
    if (error instanceof CallGivenUp) {
      const seconds = this.#startLimitMs(life) / 1_000;
      const sentence = `the sidecar did not answer within ${seconds} s of its start`;
      return new SidecarStartFailed("silent", sentence, await life.process.exited);
    }
    const why = error instanceof RpcError && error.code === PROTOCOL_MISMATCH ? "mismatch" : "refused";
    return new SidecarStartFailed(why, error instanceof Error ? error.message : String(error), null);
  }

  /** @param {Life} life */
  #startLimitMs({ command }) {
    return command.mayFetch ? this.#limits.fetchMs : this.#limits.initializeMs;
  }

  /** @param {SidecarError} failure */
  #recordFailure(failure) {
    const now = this.#now();
    this.#lastFailure = failure;
    this.#failuresInARow += 1;
    this.#failures = [...this.#failures, now].filter((time) => time > now - this.#limits.startWindowMs);
    if (this.#failures.length < this.#limits.startFailures) return;
    this.#failures = [];
    this.#restingUntil = now + this.#limits.restMs;
  }

  /** @param {Life} life */
  #forget(life) {
    if (this.#life === life) this.#life = null;
  }
}

/** @param {unknown} answer */
function checkAnswer(answer) {
  const theirs = /** @type {Json | null} */ (answer)?.protocolVersion;
  if (theirs === PROTOCOL_VERSION) return;
  const version = /** @type {Json | null} */ (answer)?.server?.version ?? "of an unknown version";
  throw new RpcError(
    PROTOCOL_MISMATCH,
    `the plugin speaks protocol ${PROTOCOL_VERSION} and the sidecar ${version} speaks protocol ${theirs}: ` +
      "run `handoff-sidecar install` again, then restart OpenCode",
  );
}
