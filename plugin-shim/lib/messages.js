/**
 * What a message may lead to: a trigger is handed to the sidecar, and so is a session that is full, before each request
 * to the model. What it answers becomes a part that only the model sees. Any other message passes without a call.
 */
import { within } from "./deadline.js";
import { triggerFailure } from "./failures.js";
import { apiOf, passOn } from "./locking.js";
import { MANIFEST } from "./manifest.js";
import { arriving } from "./persons.js";

/** @typedef {{metadata?: {sessionID?: string}}} ToolState */
/** @typedef {{id?: string, type?: string, text?: string, synthetic?: boolean, tool?: string, state?: ToolState} | null} Part */
/** @typedef {{info: import("./events.js").MessageInfo, parts: Part[]}} Message */

/**
 * @param {import("./plugin.js").Plugin} plugin
 * @param {import("./host.js").Instance} instance
 */
export function messageHooks(plugin, instance) {
  const { host, sessions, trigger, lock, waitMs, log } = plugin;
  const api = apiOf(host, instance);

  /**
   * @param {string} method
   * @param {{parts: Part[]}} message
   * @param {object} params
   * @param {number} timeoutMs
   */
  async function ask(method, { parts }, params, timeoutMs) {
    const partIDs = parts.flatMap((part) => part?.id ?? []);
    // One that is stuck would let every later handoff come to nothing too.
    const how = { timeoutMs, graceMs: 0, killWhenStuck: method === "message/received" };
    const answer = await plugin.call(method, { ...params, partIDs }, how);
    if (answer?.part) parts.push(answer.part);
  }

  return {
    /**
     * @param {{sessionID?: string, messageID?: string}} input
     * @param {{message: {id?: string, sessionID?: string, time?: {created?: number}}, parts: Part[]}} output
     */
    async "chat.message"(input, { message, parts }) {
      const messageID = message?.id ?? input?.messageID;
      const sessionID = input?.sessionID ?? message?.sessionID;
      if (!messageID || !sessionID) return;
      const writer = arriving(sessionID, parts);
      const isAPersons = writer === "a person" && !sessions.isPrompting(sessionID);
      sessions.arrived(sessionID, messageID, isAPersons);
      if (isAPersons) lock.written(sessionID, message?.time?.created ?? Date.now(), api);
      else if (writer !== "us") void passOn(plugin, instance, sessionID, parts);
      const text = typedText(parts);
      if (text && !trigger.isKnown)
        await within(trigger.known, { timeoutMs: waitMs.trigger }).catch(() => {});
      if (!trigger.test(text) || !sessions.isFirstSight(messageID)) return;
      sessions.awaitEnd(sessionID);
      const { directory } = instance;
      try {
        const params = { sessionID, messageID, text, directory };
        await ask("message/received", { parts }, params, waitMs.message);
      } catch (error) {
        plugin.tell(instance, triggerFailure(error));
      }
    },

    /**
     * Inside a turn OpenCode checks for overflow right after a step's tokens are known and then asks the model again
     * (seen in 1.18.33), so the question to the sidecar is asked there and waits for the answer, for a short while.
     * @param {unknown} _
     * @param {{messages: Message[]}} output
     */
    async "experimental.chat.messages.transform"(_, { messages }) {
      const user = messages.findLast(({ info }) => info?.role === "user");
      const { sessionID, id: turn, model } = user?.info ?? {};
      if (!user || !sessionID || sessions.isCompacting(sessionID)) return;
      const last = messages.findLast(({ info }) => info?.role === "assistant" && info.finish)?.info;
      if (!last || last.summary === true) return;
      const call = messages.at(-1);
      if (call && call.info.parentID === turn && call.parts.some(hasHandedOff)) {
        // All that is left is to say so: the request needs no more than what was asked and the call. Earlier steps of the
        // turn stay as such, without what they said: who counts them counts right.
        const kept = messages.slice(messages.indexOf(user));
        messages.splice(
          0,
          messages.length,
          ...kept.map((step) => (step === user || step === call ? step : emptied(step))),
        );
        return;
      }
      const { providerID = "", modelID = "" } = model ?? last;
      const step = { tokens: last.tokens, providerID, modelID };
      plugin.seen(step);
      if (!sessions.isOfInterest(instance.directory, step)) return;
      const params = { context: plugin.context(instance, sessionID), sighting: { sessionID, turn, ...step } };
      try {
        await ask("session/step", user, params, waitMs.step);
      } catch (error) {
        log("warn", `${sessionID} goes on without a word of the sidecar's: ${error}`);
      }
    },
  };
}

/** @param {Part} part */
const hasHandedOff = (part) => part?.tool === MANIFEST.maker && Boolean(part.state?.metadata?.sessionID);

/** @param {Message} step @returns {Message} */
const emptied = ({ info }) => ({ info, parts: [{ type: "text", text: "…" }] });

/** @param {Part[]} parts */
function typedText(parts) {
  return parts
    .flatMap((part) =>
      part?.type === "text" && !part.synthetic && typeof part.text === "string" ? part.text : [],
    )
    .join("\n");
}
