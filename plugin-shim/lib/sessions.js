/**
 * What this process has seen of its sessions: how full each is, where the person's newest message went, and which message
 * is our own. Facts alone, forgotten with the process; the sidecar may be started anew
 * in the middle.
 */

/** Far more than a process has at work at once. */
const REMEMBERED = 500;

const PROMPTED = /^\/session\/(ses_[A-Za-z0-9]+)\/prompt_async$/;

/**
 * A session after a step of its model.
 * @typedef {{tokens: any, providerID: string, modelID: string}} LastStep
 */

export class Sessions {
  /** From which number of tokens on the sidecar wants to know: by directory, then by model. @type {Map<string, Record<string, number>>} */
  #floors = new Map();
  /** @type {Map<string, LastStep>} */
  #lastSteps = new Map();
  /** Subagents' sessions, where nobody types. @type {Map<string, true>} */
  #children = new Map();
  /** Where people have typed, the newest last. @type {Map<string, true>} */
  #typedIn = new Map();
  /** Sessions that we prompt and OpenCode has not told of yet. @type {Map<string, true>} */
  #prompting = new Map();
  /** Sessions in which the newest message is ours. @type {Map<string, true>} */
  #prompted = new Map();
  /** Messages of ours. @type {Map<string, true>} */
  #ours = new Map();
  /** Sessions whose next request is the one of a compaction. @type {Map<string, true>} */
  #compacting = new Map();
  /** Messages that any copy of the plugin has looked at. @type {Map<string, true>} */
  #lookedAt = new Map();
  /** The message that is being answered, by session. @type {Map<string, string>} */
  #turns = new Map();

  /**
   * @param {string} directory
   * @param {Record<string, number>} floors
   */
  setFloors(directory, floors) {
    remember(this.#floors, directory, floors);
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
   * @param {any} info
   */
  stepped(info) {
    if (info?.role !== "assistant" || info.summary === true) return;
    const { sessionID, parentID, tokens, providerID, modelID } = info;
    if (parentID) remember(this.#turns, sessionID, parentID);
    if (used(tokens) === 0) return;
    remember(this.#lastSteps, sessionID, { tokens, providerID, modelID });
  }

  /** @param {string} sessionID */
  lastStep(sessionID) {
    return this.#lastSteps.get(sessionID);
  }

  /** What was known of how full it is no longer holds. @param {string} sessionID */
  emptied(sessionID) {
    this.#lastSteps.delete(sessionID);
  }

  /** @param {any} info a session, new or changed */
  sessionSeen(info) {
    if (info?.parentID && info.id) remember(this.#children, info.id, true);
  }

  /**
   * A request of the sidecar's to OpenCode: what it prompts was not typed by anybody.
   * @param {any} request
   */
  requested(request) {
    const sessionID = request?.method === "POST" && PROMPTED.exec(String(request.path))?.[1];
    if (sessionID) remember(this.#prompting, sessionID, true);
  }

  /** Whether the next message in a session is one of ours. @param {string} sessionID */
  isPrompting(sessionID) {
    return this.#prompting.has(sessionID);
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
      remember(this.#ours, messageID, true);
      remember(this.#prompted, sessionID, true);
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
    remember(this.#lookedAt, messageID, true);
    return true;
  }

  /** Whether the message is one of ours. @param {string} messageID */
  isOurs(messageID) {
    return this.#ours.has(messageID);
  }

  /** A person is at work here. @param {string} sessionID */
  typed(sessionID) {
    remember(this.#typedIn, sessionID, true);
  }

  /** The session of the person's newest message. @returns {string | null} */
  get active() {
    return [...this.#typedIn.keys()].findLast((sessionID) => !this.#children.has(sessionID)) ?? null;
  }

  /** @param {string} sessionID */
  compacts(sessionID) {
    remember(this.#compacting, sessionID, true);
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
  const { total, input = 0, output = 0, cache } = tokens ?? {};
  const count = Number(total || input + output + (cache?.read ?? 0) + (cache?.write ?? 0));
  return Number.isFinite(count) ? count : 0;
}

/**
 * @template T
 * @param {Map<string, T>} map
 * @param {string} key
 * @param {T} value
 */
function remember(map, key, value) {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > REMEMBERED && oldest !== undefined) map.delete(oldest);
}
