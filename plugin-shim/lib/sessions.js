// @bun
/**
 * What this process has seen of its sessions: how full each is, who wrote in it and where people typed last, which message
 * is our own, and which calls have not ended. Facts alone, forgotten with the process; the sidecar may be started anew in
 * the middle.
 */
import { within } from "./failures.js";
import { MANIFEST } from "./manifest.js";

/** Far more than a process has at work at once. */
const REMEMBERED = 500;

/** Where each number that OpenCode adds up stands. */
const TOKEN_PATHS = MANIFEST.tokenParts.map((path) => path.split("."));

/** What only looks; a subagent may end its work with these. What is not listed there may change something. */
export const ONLY_LOOK = new Set(MANIFEST.toolsThatLook);

/** A tool that hands its work to others, which are locked by themselves: nobody waits for it. */
const DELEGATE = new Set(MANIFEST.toolsThatDelegate);

/** By which some plugins tell what they wrote. */
const SIGNATURE = new RegExp(MANIFEST.signedByAPlugin.source, MANIFEST.signedByAPlugin.flags);

/** What some plugins put before the text of a message. */
const IN_FRONT = new RegExp(MANIFEST.putInFront.source, MANIFEST.putInFront.flags);

/** In a part's metadata, which OpenCode stores and hands out again. */
const KEY = "handoff";

/** Sessions into which a plugin prompts, where the prompt itself could not be marked. @type {Set<string>} */
const promptedByPlugins = new Set();

/** @typedef {import("./opencode.js").Part} Part */
/** @typedef {"a person" | "a plugin" | "us" | "nobody"} Writer nobody: OpenCode itself, or a notice that no model reads */

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
   * @param {import("./opencode.js").MessageInfo} info
   */
  stepped({ role, summary, sessionID, parentID, tokens, providerID = "", modelID = "" }) {
    if (role !== "assistant" || summary === true || !sessionID) return;
    if (parentID) this.turns.set(sessionID, parentID);
    if (used(tokens) > 0) this.lastSteps.set(sessionID, { tokens, providerID, modelID });
  }

  /** One that is new or has changed. @param {import("./opencode.js").SessionInfo} session */
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

/** Calls that may change something and have not ended. */
export class Calls {
  /** The session of each, by the call's id. @type {Recent<string>} */
  #running = new Recent();
  /** @type {Set<(hasChanged?: unknown) => void>} */
  #waiting = new Set();

  /** @param {{tool: string, sessionID: string, callID: string}} call */
  began({ tool, sessionID, callID }) {
    if (!ONLY_LOOK.has(tool) && !DELEGATE.has(tool)) this.#running.set(callID, sessionID);
  }

  /** @param {string} callID */
  ended(callID) {
    if (!this.#running.delete(callID)) return;
    for (const look of this.#waiting) look();
    this.#waiting.clear();
  }

  /** The turn is over, and whatever it has called. @param {string} sessionID */
  idle(sessionID) {
    for (const [callID, of] of this.#running) if (of === sessionID) this.ended(callID);
  }

  /**
   * Resolves when all other calls of a session and its subagents have ended: they and the next session would work in one
   * folder.
   * @param {string} callID the one that waits
   * @param {(sessionID: string) => boolean} isOfIt whether a session is this one, or a subagent's of it
   * @param {AbortSignal} [signal]
   */
  async alone(callID, isOfIt, signal) {
    const others = async () => {
      while ([...this.#running].some(([id, of]) => id !== callID && isOfIt(of)))
        await new Promise((resolve) => this.#waiting.add(resolve));
    };
    await within(others(), { signal, timeoutMs: MANIFEST.waitMs.callsOfAStep });
  }
}

/**
 * Who wrote a message, by what its parts carry, so that the sidecar and later processes read the same
 * (`handoff_sidecar.session.persons`). All plugins of an instance prompt through one client, and the host has each of their
 * prompts marked on the way.
 * @param {Part[]} parts
 * @returns {Writer}
 */
export function writerOf(parts) {
  const by = parts.map((part) => part?.metadata?.[KEY]?.by).find((name) => name);
  if (by) return by === "handoff-sidecar" ? "us" : "a plugin";
  if (texts(parts).some(({ text }) => SIGNATURE.test(text))) return "a plugin";
  return parts.some((part) => part && !part.synthetic && !part.ignored) ? "a person" : "nobody";
}

/**
 * Who wrote a message that arrives; what is known of it by its session alone is written into it. A prompt of ours is as
 * it was sent, where a plugin that was loaded before this one has put something in front.
 * @param {string} sessionID
 * @param {Part[]} parts
 */
export function arriving(sessionID, parts) {
  if (promptedByPlugins.delete(sessionID)) mark(parts);
  const writer = writerOf(parts);
  if (writer === "us") for (const part of texts(parts)) part.text = part.text.replace(IN_FRONT, "");
  return writer;
}

/**
 * Marks a prompt as a plugin's.
 * @param {unknown} parts
 * @returns {boolean} whether there is a text that could be marked
 */
export function mark(parts) {
  const marked = Array.isArray(parts) ? texts(parts) : [];
  for (const part of marked) part.metadata = { ...part.metadata, [KEY]: { by: "plugin" } };
  return marked.length > 0;
}

/** The next message in a session is a plugin's that could not be marked. @param {string} sessionID */
export const notMarked = (sessionID) => promptedByPlugins.add(sessionID);

/**
 * The texts of a message, of which other plugins make what they like.
 * @param {Part[]} parts
 */
export function texts(parts) {
  return parts.filter(
    /** @returns {part is import("./opencode.js").TextPart} */
    (part) => part?.type === "text" && typeof part.text === "string",
  );
}

/**
 * What a person has typed of a message.
 * @param {Part[]} parts
 */
export const typedText = (parts) => joined(texts(parts).filter(({ synthetic }) => !synthetic));

/**
 * What the model reads of a message.
 * @param {Part[]} parts
 */
export const textForTheModel = (parts) => joined(texts(parts).filter(({ ignored }) => !ignored));

/** @param {{text: string}[]} parts */
const joined = (parts) => parts.map(({ text }) => text).join("\n");
