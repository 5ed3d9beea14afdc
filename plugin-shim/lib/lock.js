// @bun
/**
 * Who may work: in a session whose work went on in another no tool that can change something is run, until a person
 * writes there. Decided from the mark in the session's own metadata alone, so it holds however the session was handed
 * off, by which process, and whether there is a sidecar or not. What is to be written into a mark the sidecar writes.
 */
import { Failure, within } from "./failures.js";
import { MANIFEST } from "./manifest.js";
import { ONLY_LOOK, Recent } from "./sessions.js";

const { waitMs } = MANIFEST;

/** Subagents have subagents, but not without end. */
const MOST_LEVELS = 20;

/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {import("./opencode.js").SessionInfo} SessionInfo */
/** @typedef {import("./opencode.js").Mark} Mark */
/** @typedef {{parentID?: string | undefined, revert?: SessionInfo["revert"], mark?: Mark | undefined}} Known */

/**
 * @typedef {object} Parts
 * @property {(instance: Instance, sessionID: string) => Promise<SessionInfo>} session as OpenCode has it
 * @property {(instance: Instance, sessionID: string, fields: Partial<Mark>) => Promise<unknown>} write into its mark
 * @property {import("./host.js").Log} log
 */

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
  #parts;
  /** By session. @type {Recent<Known>} */
  #known = new Recent();
  /** The turn in which a session was last looked up, and the answer. @type {Recent<{turn: string | null, done: Promise<void>}>} */
  #lookedUp = new Recent();
  /** When a person last wrote in a session. @type {Recent<number>} */
  #written = new Recent();
  /** When a message was removed. @type {Recent<number>} */
  #removed = new Recent();
  /** Handoffs that are being made, by the session that is left. @type {Recent<Promise<unknown>>} */
  #leaving = new Recent();

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * A session as an event tells of it. Events come in their order: a mark that is gone was lost, and is written again.
   * @param {SessionInfo} info
   * @param {Instance} instance
   */
  heard(info, instance) {
    const lost = this.#learn(info, instance);
    if (lost) this.#write(String(info.id), lost, instance);
  }

  /** It was removed: nobody's work goes on there. @param {string} sessionID */
  gone(sessionID) {
    this.#known.delete(sessionID);
    for (const known of this.#known.values()) if (known.mark?.to === sessionID) known.mark = undefined;
  }

  /** Something may have changed in a session: it is looked up again. @param {string} sessionID */
  forget(sessionID) {
    this.#lookedUp.delete(sessionID);
  }

  /**
   * A person has written in a session.
   * @param {string} sessionID
   * @param {number} at when, in OpenCode's milliseconds
   * @param {Instance} instance
   */
  written(sessionID, at, instance) {
    this.#written.set(sessionID, at);
    this.#liftIfFree(sessionID, instance);
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
   * @param {Instance} instance
   * @returns {Promise<Mark | null>}
   */
  async refusal({ tool, sessionID, turn }, instance) {
    if (ONLY_LOOK.has(tool)) return null;
    await Promise.allSettled(this.lineOf(sessionID).flatMap((each) => this.#leaving.get(each) ?? []));
    await this.#lookUp(sessionID, turn, instance);
    const marks = this.lineOf(sessionID).map((each) => lockOf(each, this.#known.get(each)));
    return marks.find((mark) => mark) ?? null;
  }

  /**
   * Whether the work of this very session went on elsewhere.
   * @param {string} sessionID
   * @param {Instance} instance
   */
  async isLeft(sessionID, instance) {
    if (!this.#known.has(sessionID)) await this.#ask(sessionID, instance);
    return lockOf(sessionID, this.#known.get(sessionID)) !== null;
  }

  /** A session and those that sent it, the nearest first. @param {string} sessionID @returns {string[]} */
  lineOf(sessionID, levels = MOST_LEVELS) {
    const sender = levels > 1 && this.#known.get(sessionID)?.parentID;
    return [sessionID, ...(sender ? this.lineOf(sender, levels - 1) : [])];
  }

  /**
   * Once a turn, shared by all its calls.
   * @param {string} sessionID
   * @param {string | null} turn
   * @param {Instance} instance
   */
  async #lookUp(sessionID, turn, instance) {
    let look = this.#lookedUp.get(sessionID);
    if (!look || look.turn !== turn) {
      look = { turn, done: this.#ask(sessionID, instance) };
      this.#lookedUp.set(sessionID, look);
    }
    try {
      await within(look.done, { timeoutMs: waitMs.lookUp });
    } catch (error) {
      // A late answer is learnt when it comes, and a failed look is taken again.
      if (error instanceof Failure) look.done = Promise.resolve();
      else this.forget(sessionID);
      const what = "a tool is run without knowing whether the work went on elsewhere";
      this.#parts.log("warn", `${sessionID}: ${what}: ${error}`);
    }
  }

  /**
   * A session and those that sent it.
   * @param {string} sessionID
   * @param {Instance} instance
   */
  async #ask(sessionID, instance, levels = MOST_LEVELS) {
    this.#learn(await this.#parts.session(instance, sessionID), instance);
    const sender = levels > 1 && this.#known.get(sessionID)?.parentID;
    if (sender) await this.#ask(sender, instance, levels - 1);
  }

  /**
   * What takes a handoff back says `to: null`. An answer that says nothing may be older than the event that came before.
   * @param {SessionInfo} info
   * @param {Instance} instance
   * @returns {Mark | undefined} one that was known, and is not there any more
   */
  #learn({ id, parentID, revert, metadata }, instance) {
    if (typeof id !== "string") return undefined;
    const before = this.#known.get(id)?.mark;
    const said = Object(metadata?.handoff);
    const isLost = !("to" in said);
    const mark = isLost ? before : said.to ? { ...said } : undefined;
    // It may have been written down before a person's message was.
    if (mark && before?.lifted && before.to === mark.to && before.at === mark.at) mark.lifted = before.lifted;
    this.#known.set(id, { parentID, revert, mark });
    this.#liftIfFree(id, instance);
    return isLost ? before : undefined;
  }

  /**
   * What was written before the handoff, and is answered after it, does not count. A handoff whose turn is gone doesn't
   * lock either.
   * @param {string} sessionID
   * @param {Instance} instance
   */
  #liftIfFree(sessionID, instance) {
    const known = this.#known.get(sessionID);
    const mark = lockOf(sessionID, known);
    const lifted = this.#removed.get(mark?.turn ?? "") ?? this.#written.get(sessionID);
    if (!known || !mark || lifted === undefined || lifted < (mark.at ?? 0)) return;
    known.mark = { ...mark, lifted };
    this.#write(sessionID, { lifted }, instance);
  }

  /**
   * @param {string} sessionID
   * @param {Partial<Mark>} fields
   * @param {Instance} instance
   */
  #write(sessionID, fields, instance) {
    this.#parts.write(instance, sessionID, fields).catch((error) => {
      this.#parts.log("warn", `${sessionID}: its mark could not be written: ${error}`);
    });
  }
}

/**
 * As OpenCode compares ids (1.18.34).
 * @param {string | null | undefined} turn
 * @param {SessionInfo["revert"]} revert
 */
function isUndone(turn, revert) {
  if (!turn || typeof revert?.messageID !== "string") return false;
  return turn > revert.messageID || (turn === revert.messageID && !revert.partID);
}
