/**
 * Who may work: in a session whose work went on in another no tool that can change something is run, until a person
 * writes there. Decided from the mark in the session's own metadata alone, so it holds however the session was handed
 * off, by which process, and whether there is a sidecar or not.
 */
import { within } from "./deadline.js";
import { Failure } from "./failures.js";
import { MANIFEST } from "./manifest.js";
import { Recent } from "./sessions.js";

/** What only looks; a subagent may end its work with these. What is not listed here may change something. */
const ONLY_LOOK = new Set([
  ...["read", "grep", "glob", "list", "lsp", "todoread"],
  ...["webfetch", "websearch", "codesearch"],
  ...["read_session", "invalid"],
]);

/** A tool that hands its work to others, which are locked by themselves: nobody waits for it. */
const DELEGATE = new Set(["task", "batch"]);

/** Subagents have subagents, but not without end. */
const MOST_LEVELS = 20;

/** A neighbour that writes metadata whole, again and again, must not make us do the same for ever. */
const MOST_RESTORED = 3;

/**
 * What a handoff leaves in the metadata of the session that it leaves.
 * @typedef {object} Mark
 * @property {string} to the session in which the work goes on
 * @property {string} [of] the marked session's own id: a fork copies metadata, and is free
 * @property {string | null} [turn] the user message whose turn the handoff belongs to
 * @property {number} [at] when, in milliseconds
 * @property {number} [lifted] when a person wrote here after that
 */

/**
 * What this module asks of OpenCode, for one of its instances.
 * @typedef {object} Api
 * @property {(sessionID: string) => Promise<any>} session
 * @property {(sessionID: string, metadata: unknown) => Promise<unknown>} setMetadata
 * @property {(mark: Mark) => unknown} lifted a person writes in a session whose work went on elsewhere
 * @property {import("./host.js").Log} log
 */

/** @typedef {{parentID: string | undefined, revert: any, mark: Mark | undefined}} Known */

/**
 * The mark that locks a session as OpenCode tells of it, or null: one of its own, not lifted, and of a turn that stands.
 * @param {string} sessionID
 * @param {Known | undefined} known
 * @returns {Mark | null}
 */
export function lockOf(sessionID, known) {
  const mark = known?.mark;
  if (!mark?.to || mark.lifted || (mark.of ?? sessionID) !== sessionID) return null;
  return isUndone(mark.turn, known?.revert) ? null : mark;
}

export class Lock {
  /** By session, the newest last. @type {Recent<Known>} */
  #known = new Recent();
  /** The turn in which a session was last looked up, and the answer. @type {Recent<{turn: string | null, done: Promise<void>}>} */
  #lookedUp = new Recent();
  /** When a person last wrote in a session. @type {Recent<number>} */
  #written = new Recent();
  /** When a message was removed. @type {Recent<number>} */
  #removed = new Recent();
  /** Handoffs that are being made, by the session that is left. @type {Recent<Promise<unknown>>} */
  #leaving = new Recent();
  /** Calls that may change something and have not ended, by id. @type {Recent<string>} */
  #running = new Recent();
  /** @type {Set<() => void>} */
  #waiting = new Set();
  /** @type {Recent<number>} */
  #restored = new Recent();

  /**
   * A session as an event tells of it. Events come in their order: a mark that is gone was lost.
   * @param {any} info
   * @param {Api} api
   */
  heard(info, api) {
    const before = this.#known.get(info?.id)?.mark;
    this.#learn(info, api);
    if (before?.to && !hasWord(info)) void this.#restore(info.id, before, api);
  }

  /** It was removed: nobody's work goes on there. @param {string} sessionID */
  gone(sessionID) {
    this.#known.delete(sessionID);
    for (const known of this.#known.values()) if (known.mark?.to === sessionID) known.mark = undefined;
  }

  /**
   * Something may have changed in a session: it is looked up again.
   * @param {string} sessionID
   */
  forget(sessionID) {
    this.#lookedUp.delete(sessionID);
  }

  /**
   * A person has written in a session.
   * @param {string} sessionID
   * @param {number} at when, in OpenCode's milliseconds
   * @param {Api} api
   */
  written(sessionID, at, api) {
    this.#written.set(sessionID, at);
    this.#liftIfFree(sessionID, api);
  }

  /**
   * A message was removed for good. With undone ones OpenCode does so at the next prompt, whoever sends it, and then
   * no longer says that they were undone (seen in 1.15.13 and 1.18.34).
   * @param {string} messageID
   */
  removed(messageID) {
    this.#removed.set(messageID, Date.now());
  }

  /**
   * While a handoff is made, calls in the session that is left wait for what comes of it.
   * @template T
   * @param {string} sessionID
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async leaving(sessionID, work) {
    const made = work();
    this.#leaving.set(sessionID, made);
    try {
      return await made;
    } finally {
      this.#leaving.delete(sessionID);
      this.forget(sessionID);
    }
  }

  /**
   * Where the work of a session went on, or that of whoever sent its subagent, if this tool must not be run there now.
   * @param {{tool: string, sessionID: string, turn: string | null}} call
   * @param {Api} api
   * @returns {Promise<Mark | null>}
   */
  async refusal({ tool, sessionID, turn }, api) {
    if (ONLY_LOOK.has(tool)) return null;
    await Promise.allSettled(this.#lineOf(sessionID).flatMap((each) => this.#leaving.get(each) ?? []));
    await this.#lookUp(sessionID, turn, api);
    for (const each of this.#lineOf(sessionID)) {
      const mark = lockOf(each, this.#known.get(each));
      if (mark) return mark;
    }
    return null;
  }

  /**
   * Whether the work of this very session went on elsewhere.
   * @param {string} sessionID
   * @param {Api} api
   */
  async isLeft(sessionID, api) {
    if (!this.#known.has(sessionID)) await this.#ask(sessionID, api);
    return lockOf(sessionID, this.#known.get(sessionID)) !== null;
  }

  /** @param {{tool: string, sessionID: string, callID: string}} call one that is run */
  began({ tool, sessionID, callID }) {
    if (!ONLY_LOOK.has(tool) && !DELEGATE.has(tool)) this.#running.set(callID, sessionID);
  }

  /** @param {string} callID */
  ended(callID) {
    if (this.#running.delete(callID)) for (const look of this.#waiting) look();
  }

  /** The turn is over, and whatever it has called. @param {string} sessionID */
  idle(sessionID) {
    for (const [callID, of] of this.#running) if (of === sessionID) this.ended(callID);
  }

  /**
   * Resolves when all other calls of the session and its subagents that may change something have ended: they and the
   * next session would work in one folder.
   * @param {{sessionID: string, callID: string, signal?: AbortSignal | undefined}} call
   */
  async alone({ sessionID, callID, signal }) {
    const isAlone = () =>
      ![...this.#running].some(([id, of]) => id !== callID && this.#lineOf(of).includes(sessionID));
    if (isAlone()) return;
    /** @type {() => void} */
    let look = () => {};
    /** @type {Promise<void>} */
    const ended = new Promise((resolve) => {
      look = () => isAlone() && resolve();
      this.#waiting.add(look);
    });
    await within(ended, { signal, timeoutMs: MANIFEST.waitMs.callsOfAStep }).finally(() =>
      this.#waiting.delete(look),
    );
  }

  /**
   * Once a turn, shared by all its calls.
   * @param {string} sessionID
   * @param {string | null} turn
   * @param {Api} api
   */
  async #lookUp(sessionID, turn, api) {
    let look = this.#lookedUp.get(sessionID);
    if (!look || look.turn !== turn) {
      look = { turn, done: this.#ask(sessionID, api) };
      this.#lookedUp.set(sessionID, look);
    }
    try {
      await within(look.done, { timeoutMs: MANIFEST.waitMs.lookUp });
    } catch (error) {
      // A late answer is learnt when it comes, and a failed look is taken again.
      if (error instanceof Failure) look.done = Promise.resolve();
      else this.forget(sessionID);
      api.log(
        "warn",
        `${sessionID}: a tool is run without knowing whether the work went on elsewhere: ${error}`,
      );
    }
  }

  /**
   * @param {string} sessionID
   * @param {Api} api
   */
  async #ask(sessionID, api) {
    /** @type {string | undefined} */
    let asked = sessionID;
    for (let level = 0; asked && level < MOST_LEVELS; level++) {
      const info = await api.session(asked);
      const before = this.#known.get(asked)?.mark;
      this.#learn(info, api);
      // An answer may be older than the event that came before it.
      const known = this.#known.get(asked);
      if (known && before && !hasWord(info)) known.mark = before;
      asked = known?.parentID;
    }
  }

  /**
   * @param {any} info
   * @param {Api} api
   */
  #learn(info, api) {
    if (typeof info?.id !== "string") return;
    const mark = info.metadata?.handoff?.to ? { ...info.metadata.handoff } : undefined;
    const before = this.#known.get(info.id)?.mark;
    // It may have been written down before a person's message was.
    if (mark && before?.lifted && before.to === mark.to && before.at === mark.at) mark.lifted = before.lifted;
    this.#known.set(info.id, { parentID: info.parentID, revert: info.revert, mark });
    this.#liftIfFree(info.id, api);
  }

  /**
   * What was written before the handoff, and is answered after it, does not count. A handoff whose turn is gone doesn't
   * lock either.
   * @param {string} sessionID
   * @param {Api} api
   */
  #liftIfFree(sessionID, api) {
    const known = this.#known.get(sessionID);
    const mark = lockOf(sessionID, known);
    const at = this.#removed.get(mark?.turn ?? "") ?? this.#written.get(sessionID);
    if (!known || !mark || at === undefined || at < (mark.at ?? 0)) return;
    known.mark = { ...mark, lifted: at };
    api.lifted(mark);
    void this.#write(sessionID, { lifted: at }, api);
  }

  /**
   * @param {string} sessionID
   * @param {Mark} mark
   * @param {Api} api
   */
  async #restore(sessionID, mark, api) {
    const times = this.#restored.get(sessionID) ?? 0;
    const known = this.#known.get(sessionID);
    if (known) known.mark = mark;
    if (times >= MOST_RESTORED) return;
    this.#restored.set(sessionID, times + 1);
    await this.#write(sessionID, mark, api);
  }

  /**
   * Into the mark, keeping what else the metadata hold.
   * @param {string} sessionID
   * @param {Partial<Mark>} fields
   * @param {Api} api
   */
  async #write(sessionID, fields, api) {
    try {
      const { metadata } = await api.session(sessionID);
      await api.setMetadata(sessionID, { ...metadata, handoff: { ...metadata?.handoff, ...fields } });
    } catch (error) {
      api.log("warn", `${sessionID}: its mark could not be written: ${error}`);
    }
  }

  /** A session and those that sent it, the nearest first. @param {string} sessionID */
  #lineOf(sessionID) {
    const line = [];
    /** @type {string | undefined} */
    let each = sessionID;
    while (each && line.length < MOST_LEVELS) {
      line.push(each);
      each = this.#known.get(each)?.parentID;
    }
    return line;
  }
}

/** Whether the metadata say anything of a successor; what takes a handoff back says `null`. @param {any} info */
function hasWord(info) {
  return info?.metadata?.handoff !== undefined && "to" in Object(info.metadata.handoff);
}

/**
 * As OpenCode compares ids (1.18.34).
 * @param {string | null | undefined} turn
 * @param {any} revert
 */
function isUndone(turn, revert) {
  if (!turn || typeof revert?.messageID !== "string") return false;
  return turn > revert.messageID || (turn === revert.messageID && !revert.partID);
}
