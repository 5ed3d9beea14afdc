// @bun
/**
 * Where everything is put together: one host, one sidecar, and what is known of their sessions, windows and calls.
 * Also when the sidecar is started. It competes with OpenCode's own start and first messages, so it is put off until it
 * is needed: for a trigger, a tool, a command, a compaction, a session that is no longer small, or in a quiet moment.
 */
import { explained, Failure, isKind, later } from "./failures.js";
import { Host } from "./host.js";
import { Lock } from "./lock.js";
import { emptied, MANIFEST, sidecarCommands, Trigger } from "./manifest.js";
import { Calls, Sessions, used } from "./sessions.js";
import { Sidecar } from "./sidecar.js";
import { serve } from "./tunnel.js";
import { Windows } from "./windows.js";

/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {import("./connection.js").Json} Json */
/** @typedef {import("./opencode.js").Hooks} Hooks */
/** @typedef {import("./calls.js").Answers} Answers */

export class Plugin {
  sessions = new Sessions();
  calls = new Calls();
  windows = new Windows(this);
  /** Where the sidecar keeps the briefs, as it last said. @type {string | null} */
  briefs = null;
  /** Why nothing can be done in this OpenCode, or null. @type {string | null} */
  refusal = null;
  #env;
  #spawn;
  /** The one that was made last, until it is closed. @type {Sidecar | null} */
  #sidecar = null;
  /** Whether it is up and watches sessions. */
  #watches = false;
  #isAtWorkUntil = 0;
  /** @type {Set<string>} */
  #noticed = new Set();
  /** @type {unknown} */
  #options;

  /**
   * @param {object} [parts] for tests: everything has its value from here or from the process
   * @param {string[]} [parts.argv]
   * @param {NodeJS.ProcessEnv} [parts.env]
   * @param {Partial<typeof MANIFEST.waitMs>} [parts.waitMs]
   * @param {import("./sidecar.js").Spawn} [parts.spawn]
   */
  constructor({ argv, env = process.env, waitMs, spawn } = {}) {
    this.#env = env;
    this.#spawn = spawn;
    this.waitMs = { ...MANIFEST.waitMs, ...waitMs };
    this.host = new Host({ argv });
    this.log = this.host.log;
    this.trigger = new Trigger(env);
    this.lock = new Lock({
      session: this.host.session,
      write: (instance, sessionID, mark) => {
        const params = { context: this.context(instance, sessionID), mark };
        return this.call("session/mark", params, { timeoutMs: this.waitMs.message });
      },
      log: this.log,
    });
  }

  /**
   * The hooks of one initialisation. Asks OpenCode nothing, and waits for nothing.
   * @param {import("./opencode.js").Given | null} [input]
   * @param {unknown} [options] the user's
   * @param {Hooks} [given] what OpenCode has already, to be filled
   */
  open(input, options, given = /** @type {Hooks} */ ({})) {
    if (this.refusal) return emptied(given);
    if (this.host.instances.length === 0) this.#options = options;
    const instance = this.host.open(input, given);
    // An old OpenCode would fail at the tools: it gets nothing until the sidecar has said that it isn't one.
    if (instance.looksNew) Object.assign(given, this.host.hooks(this, instance));
    if (this.#watches) this.#opened(instance);
    else if (instance.looksNew && this.trigger.isKnown)
      this.#startWhenQuiet(Date.now() + this.waitMs.longestDelay);
    else later(0, () => this.start());
    return given;
  }

  /**
   * The sidecar's answer; starts it if it isn't up.
   * @template {keyof Answers} Method
   * @param {Method} method
   * @param {Json} params
   * @param {import("./sidecar.js").How} how
   * @returns {Promise<Answers[Method]>}
   */
  async call(method, params, how) {
    if (this.refusal) throw new Failure("told", { cause: this.refusal });
    try {
      return /** @type {Answers[Method]} */ (await this.#itsSidecar().call(method, params, how));
    } catch (error) {
      // At once: it looks after what the dead one has left half made.
      if (error instanceof Failure && error.sent && !error.ended) this.start();
      throw error;
    }
  }

  /**
   * Tells the sidecar, if there is one: another has no use for it.
   * @param {string} method
   * @param {Json} params
   */
  notify(method, params) {
    this.#sidecar?.notify(method, params);
  }

  /** What the sidecar is told of where a session is. @param {Instance} instance @param {string} sessionID */
  context({ directory, worktree }, sessionID) {
    const activeSessionID = this.windows.active(sessionID, this.sessions.active);
    return { sessionID, directory, worktree, activeSessionID };
  }

  /** Tells the person that something failed. @param {Instance} instance @param {string} message */
  tell(instance, message) {
    if (this.refusal) return; // of which there is a notice
    void this.host.toast(instance, message, "error");
  }

  /**
   * Tells the person, once in a process, when the TUI is there: it starts beside the plugins.
   * @param {Instance} instance
   * @param {string} message
   * @param {import("./host.js").Variant} variant
   * @param {string} [matter] of which one message is enough
   */
  notice(instance, message, variant, matter = message) {
    if (this.#noticed.has(matter)) return;
    this.#noticed.add(matter);
    this.log("warn", message);
    later(this.waitMs.notice, () => {
      if (this.host.instances.includes(instance)) void this.host.toast(instance, message, variant);
    });
  }

  /** OpenCode does something: no moment to start a sidecar in. */
  isAtWork() {
    this.#isAtWorkUntil = Date.now() + this.waitMs.quiet;
  }

  /** A session that is no longer small may soon be full. @param {{tokens?: unknown}} step */
  seen({ tokens }) {
    if (!this.#sidecar && used(tokens) >= MANIFEST.smallSessionTokens) this.start();
  }

  /** @param {number} latest */
  #startWhenQuiet(latest) {
    this.isAtWork();
    const look = () => {
      if (this.#sidecar || this.host.instances.length === 0) return;
      const restMs = Math.min(this.#isAtWorkUntil, latest) - Date.now();
      if (restMs > 0) later(restMs, look);
      else this.start();
    };
    later(this.waitMs.quiet, look);
  }

  /** Starts the sidecar, if it isn't up, in the background. */
  start() {
    const instance = this.host.instances.at(-1);
    if (!instance || this.refusal) return;
    this.#itsSidecar()
      .start()
      .catch((error) => {
        this.log("warn", String(error));
        this.trigger.isKnown = true;
        // What will not mend itself is told at the start; of the rest a call tells, if there is one.
        if (isKind(error, "missing", "notFound"))
          this.notice(instance, explained(MANIFEST.sentences.startFailed, error), "error");
      });
  }

  #itsSidecar() {
    this.#sidecar ??= new Sidecar({
      commands: () => sidecarCommands(this.#options, this.#env),
      env: this.#env,
      waitMs: this.waitMs,
      spawn: this.#spawn,
      greeting: () => {
        const { directory, looksNew, marksPrompts } = this.host.instances.at(-1) ?? {};
        return { openCode: { looksNew, marksPrompts }, mode: this.host.mode, directory };
      },
      onReady: (answer) => this.#isReady(answer),
      handlers: { "http/request": (params, context) => serve(this, params, context) },
      log: this.log,
    });
    return this.#sidecar;
  }

  /** @param {unknown} answer of `initialize` */
  #isReady(answer) {
    const { refusal, triggerPattern, watches, briefs } = /** @type {import("./calls.js").Greeted} */ (answer);
    if (refusal) {
      this.#refuse(String(refusal));
      throw new Failure("told", { cause: refusal });
    }
    this.briefs = briefs ?? null;
    this.#watches = watches === true;
    this.trigger.adopt(triggerPattern);
    for (const instance of this.host.instances) {
      if (!instance.looksNew) Object.assign(instance.given, this.host.hooks(this, instance));
      if (this.#watches) this.#opened(instance);
    }
  }

  /**
   * All hooks are taken back. Its tools OpenCode may have taken already, which refuse then.
   * @param {string} sentence
   */
  #refuse(sentence) {
    this.refusal = sentence;
    this.trigger.isKnown = true;
    for (const instance of this.host.instances) {
      emptied(instance.given);
      this.notice(instance, sentence, "warning");
    }
  }

  /** @param {Instance} instance */
  #opened({ directory, worktree }) {
    this.call("directory/opened", { directory, worktree }, { timeoutMs: this.waitMs.open })
      .then(({ floors, points }) => {
        this.sessions.floors.set(directory, floors);
        this.windows.setPoints(directory, points);
      })
      .catch((error) => this.log("warn", `${directory} is not watched: ${error}`));
  }

  /** @param {Instance} instance */
  async close(instance) {
    if (!this.host.close(instance) || this.host.instances.length > 0) return;
    const sidecar = this.#sidecar;
    // The next one to open makes a new sidecar, from its own options: they may have changed meanwhile.
    this.#sidecar = null;
    this.#watches = false;
    await sidecar?.end();
  }
}
