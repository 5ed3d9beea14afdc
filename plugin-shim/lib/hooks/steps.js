/**
 * The hook that sees how full a session is before each request to the model.
 * A session that is below its model's floor costs a comparison and no call.
 *
 * Inside a turn OpenCode checks for overflow right after a step's tokens are known and then asks the model again
 * (seen in 1.18.33), so the question to the sidecar is asked there and waits for the answer, for a short while.
 */
import { partIDAfter } from "./messages.js";

/** An answer takes a few milliseconds, 100 where OpenCode has to be asked first; the turn waits for it. */
export const STEP_TIMEOUT_MS = 1_000;

/** @param {import("../plugin.js").Parts} parts */
export function stepHooks({ instance, sidecar, sessions, context, log, limits }) {
  return {
    /**
     * @param {any} _input
     * @param {any} output
     */
    async "experimental.chat.messages.transform"(_input, output) {
      /** @type {any[]} */
      const messages = output.messages;
      const user = messages.findLast(({ info }) => info?.role === "user");
      const sessionID = user?.info.sessionID;
      if (!sessionID || sessions.isCompacting(sessionID)) return;
      const last = messages.findLast(({ info }) => info?.role === "assistant" && info.finish)?.info;
      if (!last || last.summary === true) return;
      const { providerID, modelID } = user.info.model ?? last;
      const step = { tokens: last.tokens, providerID, modelID };
      if (!sessions.isOfInterest(instance.directory, step)) return;
      const messageID = user.info.id;
      try {
        const sighting = { sessionID, turn: messageID, ...step };
        const params = { context: context(sessionID), sighting };
        const timeoutMs = limits.stepMs ?? STEP_TIMEOUT_MS;
        const answer = await sidecar.call("session/step", params, { timeoutMs, graceMs: 0 });
        if (typeof answer?.text !== "string") return;
        const id = partIDAfter(user.parts.map((/** @type {any} */ part) => part?.id));
        user.parts.push({ id, sessionID, messageID, type: "text", synthetic: true, text: answer.text });
      } catch (error) {
        log("warn", `${sessionID} goes on without a word of the sidecar's: ${error}`);
      }
    },
  };
}
