/**
 * The hook that keeps two agents out of one worktree: in a session that was handed off no tool is run any more, whether
 * its agent goes on by itself or is given a message that was queued before. A person's next message there ends that.
 */
import { MeantThrow } from "../errors.js";
import { MAKER, worksElsewhere } from "../sentences.js";

/** @param {import("../plugin.js").Parts} parts */
export function successionHooks({ sessions, log }) {
  return {
    /**
     * The throw is meant: it makes the call an error that the agent reads, and its turn goes on (seen in 1.15.13 and
     * 1.18.34).
     * @param {any} input
     * @throws {MeantThrow}
     */
    "tool.execute.before"({ tool, sessionID }) {
      const handoff = sessions.handoffOf(sessionID);
      // Called again in the same turn, it answers with the session that it has made.
      if (!handoff || (tool === MAKER && sessions.turn(sessionID) === handoff.turn)) return;
      log("info", `${sessionID}: ${tool} was not run, as the work goes on in ${handoff.to}`);
      throw new MeantThrow(worksElsewhere(handoff.to));
    },
  };
}
