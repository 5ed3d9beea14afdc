// @bun
/**
 * What this process has seen of its sessions: how full each is, where the person's newest message went, and which message
 * is our own. Facts alone, forgotten with the process; the sidecar may be started anew in the middle.
 */
import { MANIFEST } from "./manifest.js";

/** Far more than a process has at work at once. */
const REMEMBERED = 500;

/** Where each number that OpenCode adds up stands. */
const TOKEN_PATHS = MANIFEST.tokenParts.map((path) => path.split("."));

/** @typedef {import("./hooks.js").MessageInfo} MessageInfo */
/** @typedef {import("./persons.js").Writer} Writer */

/**
 * A session after a step of its model.
 * @typedef {{tokens: unknown, providerID: string, modelID: string}} LastStep
 */

/**
 * The newest of what was set.
 * @template T
 * @extends {Map<string, T>}
 */
export class Recent extends Map {
  /**
   * @override
   * @param {string} key
   * @param {T} value
   */
  set(key, value) {
    this.delete(key);
    super.set(key, value);
    const [oldest] = this.keys();
    if (this.size > REMEMBERED && oldest !== undefined) this.delete(oldest);
    return this;
  }
}

export class Sessions {
  /** From which number of tokens on the sidecar wants to know: by directory, then by model. @type {Recent<Record<string, number>>} */
  floors = new Recent();
  /** By session; one that was compacted has none. @type {Recent<LastStep>} */
  lastSteps = new Recent();
  /** The message that is being answered, by session: one that is queued is so after the step that runs. @type {Recent<string>} */
  turns = new Recent();
  /** Sessions in which the sidecar waits for the end of the turn. @type {Recent<true>} */
  awaited = new Recent();
  /** Sessions that were handed off, or came from a handoff. @type {Recent<true>} */
  inChain = new Recent();
  /** Sessions whose next request is the one of a compaction. @type {Recent<true>} */
  compacting = new Recent();
  /** Messages that the sidecar sent. @type {Recent<true>} */
  ours = new Recent();
  /** Where people have typed, the newest last. @type {Recent<true>} */
  typedIn = new Recent();
  /** Subagents' sessions, where nobody types. @type {Recent<true>} */
  #children = new Recent();
  /** Messages that any copy of the plugin has looked at. @type {Recent<true>} */
  #lookedAt = new Recent();

  /**
   * Whether the sidecar wants to know of a session that is this full.
   * @param {string} directory
   * @param {LastStep | undefined} step
   * @returns {step is LastStep}
   */
  isOfInterest(directory, step) {
    if (!step) return false;
    const floor = this.floors.get(directory)?.[`${step.providerID}/${step.modelID}`];
    return floor !== undefined && used(step.tokens) >= floor;
  }

  /**
   * A message of a model's, complete or not: the last one with tokens counts, and a compaction's never.
   * @param {MessageInfo} info
   */
  stepped({ role, summary, sessionID, parentID, tokens, providerID = "", modelID = "" }) {
    if (role !== "assistant" || summary === true || !sessionID) return;
    if (parentID) this.turns.set(sessionID, parentID);
    if (used(tokens) > 0) this.lastSteps.set(sessionID, { tokens, providerID, modelID });
  }

  /** One that is new or has changed. @param {import("./hooks.js").SessionInfo} session */
  seen({ id, parentID, metadata }) {
    if (parentID && id) this.#children.set(id, true);
    if (metadata?.handoff && id) this.inChain.set(id, true);
  }

  /**
   * A message that OpenCode is about to store.
   * @param {string} sessionID
   * @param {string} messageID
   * @param {Writer} writer
   */
  arrived(sessionID, messageID, writer) {
    this.awaited.delete(sessionID);
    if (writer === "a person") this.typedIn.set(sessionID, true);
    if (writer !== "us") return;
    this.ours.set(messageID, true);
    this.awaited.set(sessionID, true);
  }

  /** False when any copy has looked at the message before. @param {string} messageID */
  isFirstSight(messageID) {
    if (this.#lookedAt.has(messageID)) return false;
    this.#lookedAt.set(messageID, true);
    return true;
  }

  /** The session of the person's newest message. @returns {string | null} */
  get active() {
    return [...this.typedIn.keys()].findLast((sessionID) => !this.#children.has(sessionID)) ?? null;
  }
}

/**
 * As OpenCode counts (overflow.ts, seen in 1.18.33); the sidecar counts again, and more carefully.
 * @param {unknown} tokens
 * @returns {number}
 */
export function used(tokens) {
  const parts = TOKEN_PATHS.map((path) => path.reduce((value, name) => Object(value)[name], tokens) ?? 0);
  const count = Number(Object(tokens).total || parts.reduce((sum, part) => Number(sum) + Number(part), 0));
  return Number.isFinite(count) ? count : 0;
}
