/**
 * What this process has seen of its sessions: how full each is, where the person's newest message went, and which message
 * is our own. Facts alone, forgotten with the process; the sidecar may be started anew in the middle.
 */
import { MANIFEST } from "./manifest.js";

/** Far more than a process has at work at once. */
const REMEMBERED = 500;

/** Where each number that OpenCode adds up stands. */
const TOKEN_PATHS = MANIFEST.tokenParts.map((path) => path.split("."));

const PROMPTED = new RegExp(`^/session/(${MANIFEST.ids.session})/prompt_async$`);

/** @typedef {import("./events.js").MessageInfo} MessageInfo */

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
  #floors = new Recent();
  /** @type {Recent<LastStep>} */
  #lastSteps = new Recent();
  /** Subagents' sessions, where nobody types. @type {Recent<true>} */
  #children = new Recent();
  /** Where people have typed, the newest last. @type {Recent<true>} */
  #typedIn = new Recent();
  /** Sessions that we prompt and OpenCode has not told of yet. @type {Recent<true>} */
  #prompting = new Recent();
  /** Sessions in which the newest message is ours. @type {Recent<true>} */
  #prompted = new Recent();
  /** Messages of ours. @type {Recent<true>} */
  #ours = new Recent();
  /** Sessions whose next request is the one of a compaction. @type {Recent<true>} */
  #compacting = new Recent();
  /** Messages that any copy of the plugin has looked at. @type {Recent<true>} */
  #lookedAt = new Recent();
  /** Sessions that a handoff has marked. @type {Recent<true>} */
  #handedOff = new Recent();
  /** The message that is being answered, by session. @type {Recent<string>} */
  #turns = new Recent();

  /**
   * @param {string} directory
   * @param {Record<string, number>} floors
   */
  setFloors(directory, floors) {
    this.#floors.set(directory, floors);
  }

  /**
   * Whether the sidecar wants to know of a session that is this full.
   * @param {string} directory
   * @param {LastStep | undefined} step
   * @returns {step is LastStep}
   */
  isOfInterest(directory, step) {
    if (!step) return false;
    const floor = this.#floors.get(directory)?.[`${step.providerID}/${step.modelID}`];
    return floor !== undefined && used(step.tokens) >= floor;
  }

  /**
   * A message of a model's, complete or not: the last one with tokens counts, and a compaction's never.
   * @param {MessageInfo} info
   */
  stepped({ role, summary, sessionID, parentID, tokens, providerID = "", modelID = "" }) {
    if (role !== "assistant" || summary === true || !sessionID) return;
    if (parentID) this.#turns.set(sessionID, parentID);
    if (used(tokens) > 0) this.#lastSteps.set(sessionID, { tokens, providerID, modelID });
  }

  /** @param {string} sessionID */
  lastStep(sessionID) {
    return this.#lastSteps.get(sessionID);
  }

  /** What was known of how full it is no longer holds. @param {string} sessionID */
  emptied(sessionID) {
    this.#lastSteps.delete(sessionID);
  }

  /** @param {{id?: string, parentID?: string, metadata?: {handoff?: unknown}}} session new or changed */
  sessionSeen({ id, parentID, metadata }) {
    if (parentID && id) this.#children.set(id, true);
    if (metadata?.handoff && id) this.#handedOff.set(id, true);
  }

  /** Whether it was handed off, or came from a handoff. @param {string} sessionID */
  isInChain(sessionID) {
    return this.#handedOff.has(sessionID);
  }

  /**
   * A request of the sidecar's to OpenCode: what it prompts was not typed by anybody.
   * @param {{method?: unknown, path?: unknown}} request
   */
  requested({ method, path }) {
    const sessionID = method === "POST" && PROMPTED.exec(String(path))?.[1];
    if (sessionID) this.#prompting.set(sessionID, true);
  }

  /** Whether the next message in a session is one of ours. @param {string} sessionID */
  isPrompting(sessionID) {
    return this.#prompting.has(sessionID);
  }

  /** The sidecar waits for the end of this turn. @param {string} sessionID */
  awaitEnd(sessionID) {
    this.#prompted.set(sessionID, true);
  }

  /** Whether the turn is one that we have asked for. @param {string} sessionID */
  isOurTurn(sessionID) {
    return this.#prompted.has(sessionID);
  }

  /**
   * A message, of a person's or of ours.
   * @param {string} sessionID
   * @param {string} messageID
   * @param {boolean} isTyped whether a person wrote it
   */
  arrived(sessionID, messageID, isTyped) {
    if (this.#prompting.delete(sessionID)) {
      this.#ours.set(messageID, true);
      this.#prompted.set(sessionID, true);
    }
    if (this.#ours.has(messageID)) return;
    this.#prompted.delete(sessionID);
    if (isTyped) this.typed(sessionID);
  }

  /** The message that is being answered: one that is queued is so after the step that runs. @param {string} sessionID */
  turn(sessionID) {
    return this.#turns.get(sessionID) ?? null;
  }

  /** False when any copy has looked at the message before. @param {string} messageID */
  isFirstSight(messageID) {
    if (this.#lookedAt.has(messageID)) return false;
    this.#lookedAt.set(messageID, true);
    return true;
  }

  /** Whether the message is one of ours. @param {string} messageID */
  isOurs(messageID) {
    return this.#ours.has(messageID);
  }

  /** A person is at work here. @param {string} sessionID */
  typed(sessionID) {
    this.#typedIn.set(sessionID, true);
  }

  /** The session of the person's newest message. @returns {string | null} */
  get active() {
    return [...this.#typedIn.keys()].findLast((sessionID) => !this.#children.has(sessionID)) ?? null;
  }

  /** @param {string} sessionID */
  compacts(sessionID) {
    this.#compacting.set(sessionID, true);
  }

  /** Whether this is the request of a compaction; asked once for each. @param {string} sessionID */
  isCompacting(sessionID) {
    return this.#compacting.delete(sessionID);
  }
}

/**
 * As OpenCode counts (overflow.ts, seen in 1.18.33); the sidecar counts again, and more carefully.
 * @param {any} tokens
 * @returns {number}
 */
export function used(tokens) {
  const parts = TOKEN_PATHS.map((path) => path.reduce((value, name) => value?.[name], tokens) ?? 0);
  const count = Number(tokens?.total || parts.reduce((sum, part) => sum + part, 0));
  return Number.isFinite(count) ? count : 0;
}
