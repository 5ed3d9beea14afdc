// @bun
/**
 * What a message may lead to: a trigger is handed to the sidecar, and so is a session that is full, before each request
 * to the model. What it answers becomes a part that only the model sees. Any other message passes without a call.
 */
import { explained } from "./failures.js";
import { MANIFEST } from "./manifest.js";
import { arriving, textForTheModel, typedText } from "./persons.js";

/** @typedef {import("./plugin.js").Plugin} Plugin */
/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {import("./hooks.js").Part} Part */
/** @typedef {import("./hooks.js").Message} Message */

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
