// @bun
/**
 * The tools and the commands, as the sidecar carries them out, and which calls have not ended. Knows what they are
 * called, and nothing of what they do.
 */
import { callFailure, isCancelled, isTold, within } from "./failures.js";
import { MANIFEST } from "./manifest.js";
import { Recent } from "./sessions.js";

/** What only looks; a subagent may end its work with these. What is not listed there may change something. */
export const ONLY_LOOK = new Set(MANIFEST.toolsThatLook);

/** A tool that hands its work to others, which are locked by themselves: nobody waits for it. */
const DELEGATE = new Set(MANIFEST.toolsThatDelegate);

/** @typedef {import("./plugin.js").Plugin} Plugin */
/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {{done: boolean, text: string}} Answer what came of a command */

/**
 * @typedef {object} ToolContext OpenCode's
 * @property {string} sessionID
 * @property {string} [messageID]
 * @property {string} [callID]
 * @property {string} [agent]
 * @property {string} [worktree]
 * @property {AbortSignal} [abort]
 */

/**
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @param {string} name
 * @param {unknown} args
 * @param {Partial<ToolContext>} [given]
 * @throws {Error} with what the model is told
 */
export async function callTool(plugin, instance, name, args, given = {}) {
  const { sessionID = "", callID = "", abort: signal } = given;
  const { messageID, agent, worktree = instance.worktree } = given;
  const context = { ...plugin.context(instance, sessionID), messageID, callID, agent, worktree };
  const isHandoff = name === MANIFEST.maker;
  const call = async () => {
    // Other calls of the same step end first, and those that come meanwhile wait for what comes of it.
    const isOfIt = (/** @type {string} */ of) => plugin.lock.lineOf(of).includes(sessionID);
    if (isHandoff) await plugin.calls.alone(callID, isOfIt, signal);
    const how = { signal, timeoutMs: plugin.waitMs.toolCall, killWhenStuck: true };
    return plugin.call("tool/call", { name, arguments: args ?? {}, context }, how);
  };
  try {
    const { title, output, metadata } = await (isHandoff ? plugin.lock.leaving(sessionID, call) : call());
    return { title: String(title ?? name), output: String(output), metadata: metadata ?? {} };
  } catch (error) {
    throw new Error(failed(plugin, instance, name, error, callID), { cause: error });
  }
}

/** The commands that no model is to see, but for those of the same name that the user has made. @param {Instance} instance */
export function ourCommands({ theirs }) {
  return MANIFEST.commands.flatMap(({ name, immediate }) => (immediate && !theirs.has(name) ? name : []));
}

/** By what they do and where: one that comes a second time while it is under way is done once. @type {Map<string, Promise<Answer>>} */
const underWay = new Map();

/**
 * Carries out a command of ours; a failure is told to the person.
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @param {{name: string, session: string, words: string}} command
 */
export function carryOut(plugin, instance, { name, session, words }) {
  const key = [session, name, words.trim()].join(" ");
  const begun = underWay.get(key) ?? execute();
  underWay.set(key, begun);
  return begun.finally(() => underWay.delete(key));

  /** @returns {Promise<Answer>} */
  async function execute() {
    plugin.sessions.typedIn.set(session, true);
    try {
      const call = { name, arguments: words, context: plugin.context(instance, session) };
      const how = { timeoutMs: plugin.waitMs.command, killWhenStuck: true };
      return await plugin.lock.leaving(session, () => plugin.call("command/execute", call, how));
    } catch (error) {
      // The command's promise is that no model is asked: that holds without the sidecar too.
      return { done: false, text: failed(plugin, instance, `/${name}`, error) };
    }
  }
}

/**
 * What whoever called is told of a failure; the person hears it too, if they don't know yet.
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @param {string} name
 * @param {unknown} error
 * @param {string} [callID]
 */
function failed(plugin, instance, name, error, callID = "") {
  if (plugin.refusal) return plugin.refusal; // of which there is a notice
  if (isTold(error)) return error.message; // the sidecar tells of it, with the call's id
  const sentence = callFailure(name, error, plugin.briefs) + (callID && ` (call ${callID})`);
  plugin.log("warn", sentence);
  if (!isCancelled(error)) plugin.tell(instance, sentence);
  return sentence;
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
