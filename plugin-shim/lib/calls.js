// @bun
/**
 * What leads to a call of the sidecar, and what is made of its answer: a tool, a command, a message that may be a trigger, a
 * request to the model of a session that is full. What it answers to a message becomes a part that only the model sees; any
 * other message passes without a call. Knows what tools and commands are called, and nothing of what they do.
 */
import { callFailure, explained, isKind, isTold } from "./failures.js";
import { MANIFEST } from "./manifest.js";
import { arriving, textForTheModel, typedText } from "./sessions.js";

/** @typedef {import("./plugin.js").Plugin} Plugin */
/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {import("./opencode.js").Part} Part */
/** @typedef {import("./opencode.js").Message} Message */
/** @typedef {{done: boolean, text: string}} Answer what came of a command */

/**
 * What the sidecar answers to its greeting: why it can do nothing in this OpenCode, or what it knows.
 * @typedef {{refusal?: string, triggerPattern: import("./manifest.js").Pattern, watches: boolean, briefs?: string}} Greeted
 */

/**
 * What the sidecar answers, by method; `handoff_sidecar.sidecar.app` makes it.
 * @typedef {{
 *   "directory/opened": {floors: Record<string, number>, points: Record<string, unknown>},
 *   "tool/call": {title?: string, output?: string, metadata?: Record<string, unknown>},
 *   "command/execute": Answer,
 *   "message/received": {part?: Part},
 *   "session/step": {part?: Part},
 *   "session/compacting": {context?: string[]},
 *   "session/continue": {enabled?: boolean},
 *   "session/arrival": null,
 *   "session/mark": null,
 * }} Answers
 */

/**
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @param {string} name
 * @param {unknown} args
 * @param {import("./opencode.js").ToolContext} [given]
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
  if (!isKind(error, "cancelled")) plugin.tell(instance, sentence); // whoever pressed escape knows
  return sentence;
}

/**
 * A message of the user's role, which OpenCode is about to store.
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @param {{sessionID: string, messageID: string, at: number, parts: Part[]}} message
 */
export async function received(plugin, instance, { sessionID, messageID, at, parts }) {
  const { sessions, trigger, lock, waitMs } = plugin;
  if (!sessions.isFirstSight(messageID)) return;
  const writer = arriving(sessionID, parts);
  sessions.arrived(sessionID, messageID, writer);
  if (writer === "a person") lock.written(sessionID, at, instance);
  else if (writer !== "us") void passOn(plugin, instance, sessionID, textForTheModel(parts));
  const text = typedText(parts);
  const isTrigger = trigger.test(text);
  // While the person's own words are not known, the sidecar has to say.
  if (!isTrigger && (trigger.isKnown || !text)) return;
  sessions.awaited.set(sessionID, true);
  const params = { sessionID, messageID, text, directory: instance.directory };
  // One that is stuck would let every later handoff come to nothing too.
  const how = { timeoutMs: isTrigger ? waitMs.message : waitMs.trigger, graceMs: 0, killWhenStuck: true };
  await ask(plugin, "message/received", parts, params, how).catch((error) => {
    if (isTrigger) plugin.tell(instance, explained(MANIFEST.sentences.triggerFailed, error));
  });
}

/**
 * The messages of a request to the model, which may be changed.
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @param {Message[]} messages
 */
export async function beforeRequest(plugin, instance, messages) {
  const user = messages.findLast(({ info }) => info?.role === "user");
  const { sessionID, id: turn, model } = user?.info ?? {};
  if (!user || !sessionID || plugin.sessions.compacting.delete(sessionID)) return;
  const last = messages.findLast(({ info }) => info?.role === "assistant" && info.finish)?.info;
  if (!last || last.summary === true) return;
  const call = messages.at(-1);
  if (call && call.info.parentID === turn && call.parts.some(hasHandedOff)) {
    // All that is left is to say so: the request needs no more than what was asked and the call. Earlier steps of the
    // turn stay as such, without what they said: who counts them counts right.
    const steps = messages.slice(messages.indexOf(user));
    const kept = steps.map((step) => (step === user || step === call ? step : emptied(step)));
    messages.splice(0, messages.length, ...kept);
    return;
  }
  const { providerID = "", modelID = "" } = model ?? last;
  const step = { tokens: last.tokens, providerID, modelID };
  plugin.seen(step);
  if (!plugin.sessions.isOfInterest(instance.directory, step)) return;
  const params = { context: plugin.context(instance, sessionID), sighting: { sessionID, turn, ...step } };
  const how = { timeoutMs: plugin.waitMs.step, graceMs: 0 };
  await ask(plugin, "session/step", user.parts, params, how).catch((error) => {
    plugin.log("warn", `${sessionID} goes on without a word of the sidecar's: ${error}`);
  });
}

/**
 * @param {Plugin} plugin
 * @param {"message/received" | "session/step"} method
 * @param {Part[]} parts to which the answer's is added
 * @param {object} params
 * @param {import("./sidecar.js").How} how
 */
async function ask(plugin, method, parts, params, how) {
  const partIDs = parts.flatMap((part) => part?.id ?? []);
  const answer = await plugin.call(method, { ...params, partIDs }, how);
  if (answer?.part) parts.push(answer.part);
}

/**
 * What arrives in a session whose work went on elsewhere is of use there.
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @param {string} sessionID
 * @param {string} text
 */
async function passOn(plugin, instance, sessionID, text) {
  try {
    if (!text || !(await plugin.lock.isLeft(sessionID, instance))) return;
    const params = { context: plugin.context(instance, sessionID), text };
    await plugin.call("session/arrival", params, { timeoutMs: plugin.waitMs.message });
  } catch (error) {
    plugin.log("warn", `${sessionID}: what arrived there was not passed on: ${error}`);
  }
}

/** @param {Part} part */
const hasHandedOff = (part) => part?.tool === MANIFEST.maker && Boolean(part.state?.metadata?.sessionID);

/** @param {Message} step @returns {Message} */
const emptied = ({ info }) => ({ info, parts: [{ type: "text", text: "…" }] });
