// @bun
/**
 * What OpenCode 1.x tells of by itself, and who of the rest hears it. The sidecar hears of little: the end of a turn in a
 * session that is full or part of a chain, that a session or a message was deleted, and that a message of its own is stored
 * (long before OpenCode's answer to a question for it would be there, seen in 1.18.33).
 */

/**
 * @typedef {object} Properties
 * @property {string} [sessionID]
 * @property {string} [messageID]
 * @property {import("./hooks.js").MessageInfo & import("./hooks.js").SessionInfo} [info] a message, or a session
 * @property {import("./hooks.js").SomePart} [part]
 * @property {object} [error]
 * @property {{type?: string}} [status] `retry` where OpenCode waits for the provider
 */

/**
 * @param {import("./plugin.js").Plugin} plugin
 * @param {import("./host.js").Instance} instance
 */
export function eventHook(plugin, instance) {
  const { calls, lock, sessions, windows } = plugin;
  const { directory } = instance;

  /** @param {Properties} properties */
  function sessionSeen({ info = {} }) {
    sessions.seen(info);
    lock.heard(info, instance);
  }

  /**
   * @param {Properties} properties
   * @param {string} type
   */
  function turnEnded({ sessionID = "", error, status }, type) {
    const step = sessions.lastSteps.get(sessionID);
    const isWatched = sessions.awaited.has(sessionID) || sessions.isOfInterest(directory, step);
    if (!isWatched && !sessions.inChain.has(sessionID)) return;
    const [context, sighting] = [plugin.context(instance, sessionID), { sessionID, ...step }];
    plugin.notify("event", { type, context, sighting, error, status });
  }

  /** @type {Record<string, (properties: Properties, type: string) => void>} */
  const on = {
    "message.updated"({ info = {} }, type) {
      sessions.stepped(info);
      plugin.seen(info);
      const { id = "", sessionID, role, agent, model } = info;
      if (sessions.ours.has(id))
        plugin.notify("event", { type, info: { id, sessionID, role, agent, model } });
    },
    "message.part.updated"({ part = {} }, type) {
      const { id, sessionID, messageID = "", callID = "", state } = part;
      if (state?.status === "completed" || state?.status === "error") calls.ended(callID);
      if (sessions.ours.has(messageID)) plugin.notify("event", { type, part: { id, sessionID, messageID } });
    },
    "message.removed"({ sessionID, messageID = "" }, type) {
      lock.removed(messageID);
      plugin.notify("event", { type, directory, sessionID, messageID });
    },
    "session.created": sessionSeen,
    "session.updated": sessionSeen,
    "session.compacted": ({ sessionID = "" }) => sessions.lastSteps.delete(sessionID),
    "session.deleted"({ info: { id, projectID, directory: of } = {} }, type) {
      if (!id) return;
      sessions.lastSteps.delete(id);
      lock.gone(id);
      plugin.notify("event", { type, directory, info: { id, projectID, directory: of } });
    },
    "session.idle"(properties, type) {
      calls.idle(properties.sessionID ?? "");
      turnEnded(properties, type);
    },
    "session.error": turnEnded,
    "session.status": (properties, type) =>
      properties.status?.type === "retry" && turnEnded(properties, type),
  };

  /** @param {{event: {type: string, properties?: Properties}}} input */
  return ({ event }) => {
    plugin.isAtWork();
    windows.heard(instance, event);
    if (Object.hasOwn(on, event.type)) on[event.type]?.(event.properties ?? {}, event.type);
  };
}
