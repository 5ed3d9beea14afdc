/**
 * Where everything is put together: one host, one sidecar, and a set of hooks for each initialisation.
 * Hooks are made in hooks/, one file a concern; a new one is added to `hooks` below.
 */
import { sidecarCommand } from "./command.js";
import { later, within } from "./deadline.js";
import { CallGivenUp, SidecarDied, SidecarMissing, SidecarNotFound, SidecarStopped } from "./errors.js";
import { commandHooks } from "./hooks/commands.js";
import { compactionHooks } from "./hooks/compaction.js";
import { eventHooks } from "./hooks/events.js";
import { apiOf, lockHooks } from "./hooks/lock.js";
import { messageHooks } from "./hooks/messages.js";
import { combined, guarded, hand, takeBack } from "./hooks/sets.js";
import { stepHooks } from "./hooks/steps.js";
import { toolHooks } from "./hooks/tools.js";
import { Host } from "./host.js";
import { Lock } from "./lock.js";
import { readManifest, readVersion } from "./manifest.js";
import { looksNew } from "./registration.js";
import { startFailure, tooOld } from "./sentences.js";
import { Sessions } from "./sessions.js";
import { mayNameTriggerWords } from "./settings.js";
import { Sidecar } from "./sidecar.js";
import { Trigger } from "./trigger.js";
import { isOlder } from "./versions.js";

/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {import("./hooks/sets.js").Hooks} Hooks */

/**
 * What a set of hooks is made from.
 * @typedef {object} Parts
 * @property {Instance} instance
 * @property {Host} host
 * @property {import("./manifest.js").Manifest} manifest
 * @property {import("./registration.js").Commands} commands
 * @property {Sidecar} sidecar
 * @property {(error: unknown) => void} callFailed starts the sidecar anew if it has gone in the middle of a call
 * @property {(title: string, message: string, error: unknown) => void} toastFailure tells the person; what stays as
 *   it is, once
 * @property {() => string | null} refusal why nothing can be done in this OpenCode, or null
 * @property {(message: string, variant: import("./host.js").Variant) => void} notice tells the person, once in a process
 * @property {Lock} lock
 * @property {import("./lock.js").Api} api
 * @property {Sessions} sessions
 * @property {(sessionID: string) => import("./connection.js").Json} context what the sidecar is told of where a
 *   session is
 * @property {import("./connection.js").Log} log
 * @property {Trigger} trigger
 * @property {{toolCallMs?: number, messageMs?: number, commandMs?: number, stepMs?: number,
 *   compactionMs?: number}} limits
 */

/** In the background: OpenCode answers only when the directory is ready, which has taken 10 s on a busy machine. */
const OPEN_TIMEOUT_MS = 60_000;

const CHANGED = /^\/session\/(ses_[A-Za-z0-9]+)$/;

/** A toast needs the TUI to be up, which starts beside the plugins. */
const NOTICE_DELAY_MS = 3_000;

export class Plugin {
  #manifest = readManifest();
  #trigger = new Trigger(this.#manifest.triggerPattern);
  #sessions;
  #lock = new Lock();
  #watches = false;
  #host;
  #env;
  #options;
  /** @type {Sidecar | null} */
  #sidecar = null;
  /** @type {Set<string>} */
  #noticed = new Set();
  /** @type {string | null} */
  #refusal = null;

  /**
   * @param {object} [options] for tests: everything has its value from here or from the process
   * @param {string[]} [options.argv]
   * @param {NodeJS.ProcessEnv} [options.env]
   * @param {Partial<typeof import("./sidecar.js").LIMITS> & Parts["limits"] &
   *   {noticeMs?: number}} [options.limits]
   * @param {Sessions} [options.sessions]
   * @param {import("./process.js").Spawn} [options.spawn]
   */
  constructor(options = {}) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    this.#sessions = options.sessions ?? new Sessions();
    this.#host = new Host({ argv: options.argv });
  }

  /**
   * Gives the hooks for one initialisation, in place of stand-ins if there are any, and starts the sidecar. In an
   * OpenCode that is too old all hooks are taken back, as it looks a hook up each time; its tools it may have taken
   * already, which refuse then.
   * @param {Hooks} given what OpenCode has
   * @param {import("./registration.js").Commands} commands
   * @param {any} input OpenCode's
   * @param {unknown} [options] the user's
   * @param {AbortSignal} [closed] tells of a `dispose` that came before the hooks were there
   * @returns {Promise<Hooks>} what can be called from now on
   */
  async give(given, commands, input, options, closed) {
    const directory = String(input?.directory ?? process.cwd());
    const worktree = String(input?.worktree ?? directory);
    /** @type {Instance} */
    const instance = { directory, worktree, client: input?.client };
    this.#host.register(instance);
    this.#sidecar ??= this.#makeSidecar(options);
    const sidecar = this.#sidecar;

    /** @type {Parts} */
    const parts = {
      instance,
      host: this.#host,
      manifest: this.#manifest,
      commands,
      sidecar,
      callFailed: (error) => {
        // At once: it looks after what the dead one has left half made.
        if (isEndOfSidecar(error) && this.#host.isOpen(instance)) this.#start(instance, sidecar);
      },
      toastFailure: (title, message, error) => {
        if (error instanceof SidecarStopped) this.#notice(instance, startFailure(error), "error");
        else void this.#host.toast(instance, title, message, "error");
      },
      refusal: () => this.#refusal,
      notice: (message, variant) => this.#notice(instance, message, variant),
      lock: this.#lock,
      api: apiOf(this.#host, instance, (level, message) => this.#log(level, message)),
      sessions: this.#sessions,
      context: (sessionID) => ({
        sessionID,
        directory,
        worktree,
        activeSessionID: this.#sessions.active,
      }),
      log: (level, message) => this.#log(level, message),
      trigger: this.#trigger,
      limits: this.#options.limits ?? {},
    };
    const hooks = combined([
      commandHooks(parts),
      compactionHooks(parts),
      eventHooks(parts),
      lockHooks(parts),
      messageHooks(parts),
      stepHooks(parts),
      toolHooks(parts),
    ]);
    const all = guarded({ ...hooks, dispose: () => this.#dispose(instance) }, parts.log);
    const why = this.#whyRefused(looksNew(input));
    this.#refusal = await within(why, { signal: closed }).catch(() => this.#refusal);
    if (this.#refusal) {
      takeBack(given);
      this.#notice(instance, this.#refusal, "warning");
      await sidecar.end();
      return { tool: all.tool };
    }
    hand(all, given);
    if (!closed?.aborted) this.#start(instance, sidecar);
    return all;
  }

  /** @param {boolean} isNew by the looks of it */
  async #whyRefused(isNew) {
    const { oldest } = this.#manifest.openCode;
    const version = await this.#host.askVersion();
    const isTooOld = version === null ? !isNew : isOlder(version, oldest);
    return isTooOld ? tooOld(version, oldest) : null;
  }

  /**
   * @param {Instance} instance
   * @param {Sidecar} sidecar
   */
  #start(instance, sidecar) {
    if (!mayNameTriggerWords(this.#env)) this.#trigger.settle();
    const opened = this.#open(instance, sidecar).catch((error) => {
      this.#log("warn", String(error));
      // What will not mend itself is told now; of the rest a call tells, if there is one.
      const isLasting = error instanceof SidecarMissing || error instanceof SidecarNotFound;
      if (isLasting) this.#notice(instance, startFailure(error), "error");
    });
    opened.finally(() => this.#trigger.settle());
  }

  /**
   * Once in a process.
   * @param {Instance} instance
   * @param {string} message
   * @param {import("./host.js").Variant} variant
   */
  #notice(instance, message, variant) {
    if (this.#noticed.has(message)) return;
    this.#noticed.add(message);
    this.#log("warn", message);
    later(this.#options.limits?.noticeMs ?? NOTICE_DELAY_MS, () => {
      if (this.#host.isOpen(instance)) void this.#host.toast(instance, "handoff-sidecar", message, variant);
    });
  }

  /**
   * @param {Instance} instance
   * @param {Sidecar} sidecar
   */
  async #open({ directory, worktree }, sidecar) {
    await sidecar.start();
    if (!this.#watches) return;
    const { floors } = await sidecar.call(
      "directory/opened",
      { directory, worktree },
      { timeoutMs: OPEN_TIMEOUT_MS },
    );
    this.#sessions.setFloors(directory, floors);
  }

  /** @param {Instance} instance */
  async #dispose(instance) {
    if (!this.#host.isOpen(instance) || this.#host.unregister(instance) > 0) return;
    const sidecar = this.#sidecar;
    // The next one to attach makes a new sidecar, from its own options: they may have changed meanwhile.
    this.#sidecar = null;
    await sidecar?.end();
  }

  /** @param {unknown} options */
  #makeSidecar(options) {
    const { command: _, ...passedOn } = /** @type {Record<string, unknown>} */ (options ?? {});
    return new Sidecar({
      command: () => sidecarCommand(options, this.#env, readVersion),
      env: this.#env,
      ...(this.#options.spawn && { spawn: this.#options.spawn }),
      ...(this.#options.limits && { limits: this.#options.limits }),
      greeting: async () => ({
        openCode: { version: await this.#host.askVersion() },
        mode: this.#host.mode,
        directory: this.#host.newest?.directory ?? process.cwd(),
        options: passedOn,
      }),
      onReady: ({ triggerPattern, watches }) => {
        this.#watches = watches === true;
        this.#adopt(triggerPattern);
      },
      handlers: {
        "http/request": (params, context) => {
          this.#sessions.requested(params);
          const changed = params.method === "PATCH" && CHANGED.exec(String(params.path))?.[1];
          return this.#host.serve(params, context).finally(() => changed && this.#lock.forget(changed));
        },
      },
      log: (level, message) => this.#log(level, message),
    });
  }

  /** @param {any} pattern */
  #adopt(pattern) {
    try {
      this.#trigger.adopt(pattern);
    } catch (error) {
      this.#log("error", `the sidecar's trigger pattern can't be used, so the default stays: ${error}`);
    }
    this.#trigger.settle();
  }

  /** @type {import("./connection.js").Log} */
  #log(level, message) {
    this.#host.log(level, message);
  }
}

/** @param {unknown} error of a call that had been sent */
function isEndOfSidecar(error) {
  return error instanceof SidecarDied || (error instanceof CallGivenUp && error.sent && !error.answered);
}
