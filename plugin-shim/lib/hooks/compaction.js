/**
 * The hooks of OpenCode's own compaction: what the sidecar wants kept, and whether a session may go on by itself
 * after it. Without the sidecar everything is as OpenCode has it.
 */

/** A compaction takes seconds; this is a small part of it. */
export const COMPACTION_TIMEOUT_MS = 3_000;

/** @param {import("../plugin.js").Parts} parts */
export function compactionHooks({ sidecar, sessions, context, log, limits }) {
  const timing = { timeoutMs: limits.compactionMs ?? COMPACTION_TIMEOUT_MS, graceMs: 0 };
  return {
    /**
     * @param {any} input
     * @param {any} output
     */
    async "experimental.session.compacting"({ sessionID }, output) {
      sessions.compacts(sessionID);
      try {
        const answer = await sidecar.call("session/compacting", { context: context(sessionID) }, timing);
        output.context.push(...answer.context);
      } catch (error) {
        log("warn", `${sessionID} is compacted without its records: ${error}`);
      }
    },

    /**
     * @param {any} input
     * @param {any} output
     */
    async "experimental.compaction.autocontinue"({ sessionID }, output) {
      try {
        const answer = await sidecar.call("session/continue", { context: context(sessionID) }, timing);
        if (answer.enabled === false) output.enabled = false;
      } catch (error) {
        log("warn", `${sessionID} goes on by itself after its compaction: ${error}`);
      }
    },
  };
}
