// @bun
/**
 * The sidecar's life: started when it is needed, greeted, called, started anew after a death, ended.
 * The one rule of its restarts: each failed start doubles the time that it is left alone, and a good one ends that.
 * Knows nothing of OpenCode: what to say in the greeting and what to serve is handed in.
 */
import { Connection } from "./connection.js";
import { CODES, cause, Failure, RpcError, seconds, within } from "./failures.js";
import { MANIFEST } from "./manifest.js";
import { ending, SidecarProcess } from "./process.js";

export { sidecarCommand } from "./process.js";
export { serve } from "./tunnel.js";

const { protocolVersion, waitMs } = MANIFEST;

/** @typedef {import("./connection.js").Json} Json */
/** @typedef {import("./process.js").Command} Command */
/** @typedef {typeof waitMs} Waits */
/**
 * @typedef {{command: Command, process: SidecarProcess, connection: Connection, ready: Promise<void>,
 *   isEnding: boolean}} Life
 */

/** @typedef {import("./hooks.js").Part} Part */

/**
 * What the sidecar answers, by method; `handoff_sidecar.sidecar.app` makes it.
 * @typedef {{
 *   "directory/opened": {floors: Record<string, number>, points: Record<string, unknown>},
 *   "tool/call": {title?: string, output?: string, metadata?: object},
 *   "command/execute": {done: boolean, text: string},
 *   "message/received": {part?: Part},
 *   "session/step": {part?: Part},
 *   "session/compacting": {context?: string[]},
 *   "session/continue": {enabled?: boolean},
 *   "session/arrival": null,
 *   "session/mark": null,
 * }} Answers
 */

/**
 * `killWhenStuck`: when it is over the time limit, or cancelled, and doesn't end the call.
 * @typedef {import("./connection.js").Limits & {killWhenStuck?: boolean}} How
 */

/**
 * @typedef {object} Parts
 * @property {() => Command} command
 * @property {() => Json} greeting params of `initialize`, but for the protocol
 * @property {(answer: Json) => void} onReady
 * @property {Record<string, import("./connection.js").Handler>} handlers
 * @property {import("./host.js").Log} log
 * @property {NodeJS.ProcessEnv} [env]
 * @property {Partial<Waits>} [waitMs]
 * @property {import("./process.js").Spawn | undefined} [spawn]
 * @property {() => number} [now] milliseconds
 */

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
   * @returns {Promise<any>}
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
    const { handlers, log, command: choose, env = process.env, spawn } = this.#parts;
    const command = choose();
    const child = new SidecarProcess(command.words, { env, spawn });
    const connection = new Connection(child.stdout, child.stdin, { handlers, log });
    /** @type {Life} */
    const life = { command, process: child, connection, ready: Promise.resolve(), isEnding: false };
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
    const timeoutMs = life.command.mayFetch ? this.#waitMs.fetch : this.#waitMs.initialize;
    try {
      const greeting = { protocolVersion, ...this.#parts.greeting() };
      const answer = await life.connection.request("initialize", greeting, { timeoutMs, graceMs: 0 });
      this.#failures = 0;
      this.#parts.onReady(answer);
    } catch (error) {
      this.#forget(life);
      const failure = await startFailure(life, error, timeoutMs);
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

/**
 * @param {Life} life
 * @param {unknown} error
 * @param {number} timeoutMs
 */
async function startFailure({ command, process, connection }, error, timeoutMs) {
  const kind = error instanceof Failure ? error.kind : null;
  if (kind === "died") {
    const exit = await process.exited;
    if (!exit.spawnError) return new Failure("ended", { ending: ending(exit) });
    return new Failure("notFound", { program: command.words[0], code: exit.spawnError.code });
  }
  process.kill();
  connection.close();
  if (kind === "stuck")
    return new Failure("silent", { ...seconds(timeoutMs), ending: ending(await process.exited) });
  if (error instanceof Failure) return error;
  const isMismatch = error instanceof RpcError && error.code === CODES.PROTOCOL_MISMATCH;
  return new Failure(isMismatch ? "told" : "refused", { cause: cause(error) });
}
