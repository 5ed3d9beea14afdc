/**
 * The `event` hook: what is kept of OpenCode's events, and which of them the sidecar is told of. Those are the end of a
 * turn in a session that is full, and that a message of the sidecar's own is stored (both long before OpenCode's answer
 * to a question for it would be there, seen in 1.18.33).
 */

/** @param {import("../plugin.js").Parts} parts */
export function eventHooks({ instance, sidecar, sessions, context }) {
  /** @param {any} info */
  function messageUpdated(info) {
    sessions.stepped(info);
    if (!sessions.isOurs(info?.id)) return;
    const { id, sessionID, role, agent, model } = info;
    sidecar.notify("event", { type: "message.updated", info: { id, sessionID, role, agent, model } });
  }

  /** @param {any} part */
  function partUpdated(part) {
    if (!sessions.isOurs(part?.messageID)) return;
    const { id, sessionID, messageID } = part;
    sidecar.notify("event", { type: "message.part.updated", part: { id, sessionID, messageID } });
  }

  /**
   * @param {string} type
   * @param {string} sessionID
   */
  function turnEnded(type, sessionID) {
    const step = sessions.lastStep(sessionID);
    if (!sessions.isOurTurn(sessionID) && !sessions.isOfInterest(instance.directory, step)) return;
    sidecar.notify("event", { type, context: context(sessionID), sighting: { sessionID, ...step } });
  }

  return {
    /** @param {any} input */
    event({ event }) {
      const { type, properties } = event;
      const { sessionID, info, part } = properties ?? {};
      if (type === "message.updated") messageUpdated(info);
      else if (type === "message.part.updated") partUpdated(part);
      else if (type === "session.created" || type === "session.updated") sessions.sessionSeen(info);
      else if (type === "session.compacted") sessions.emptied(sessionID);
      else if (type === "session.deleted") sessions.emptied(info?.id ?? sessionID);
      else if (type === "session.idle" || type === "session.error") turnEnded(type, sessionID);
    },
  };
}
