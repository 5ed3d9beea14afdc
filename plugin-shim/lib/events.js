/**
 * What OpenCode tells of by itself: its events, and its own compactions. The sidecar hears of few: the end of a turn in a
 * session that is full or part of a chain, that a session was deleted, and that a message of its own is stored (long before
 * OpenCode's answer to a question for it would be there, seen in 1.18.33). Without the sidecar everything is as OpenCode
 * has it.
 */

/**
 * @typedef {object} MessageInfo
 * @property {string} [id]
 * @property {string} [sessionID]
 * @property {string} [parentID]
 * @property {string} [role]
 * @property {boolean | object} [summary]
 * @property {string} [finish]
 * @property {string} [agent]
 * @property {{providerID?: string, modelID?: string}} [model]
 * @property {string} [providerID]
 * @property {string} [modelID]
 * @property {unknown} [tokens]
 * @property {string} [projectID]
 * @property {string} [directory]
 * @property {{handoff?: unknown}} [metadata]
 */

/**
 * @typedef {object} Properties
 * @property {string} [sessionID]
 * @property {MessageInfo} [info] a message, or a session
 * @property {{id?: string, sessionID?: string, messageID?: string}} [part]
 * @property {object} [error]
 * @property {{type?: string}} [status] `retry` where OpenCode waits for the provider
 */

/**
 * @param {import("./plugin.js").Plugin} plugin
 * @param {import("./host.js").Instance} instance
 */
export function eventHooks(plugin, instance) {
  const { sessions, waitMs, log } = plugin;
  const timing = { timeoutMs: waitMs.compaction, graceMs: 0 };

  /** @type {Record<string, (properties: Properties, type: string) => void>} */
  const on = {
    "message.updated"({ info = {} }) {
      sessions.stepped(info);
      plugin.seen(info);
      const { id, sessionID, role, agent, model } = info;
      if (!id || !sessions.isOurs(id)) return;
      plugin.notify("event", { type: "message.updated", info: { id, sessionID, role, agent, model } });
    },
    "message.part.updated"({ part: { id, sessionID, messageID } = {} }) {
      if (!messageID || !sessions.isOurs(messageID)) return;
      plugin.notify("event", { type: "message.part.updated", part: { id, sessionID, messageID } });
    },
    "session.created": ({ info = {} }) => sessions.sessionSeen(info),
    "session.updated": ({ info = {} }) => sessions.sessionSeen(info),
    "session.compacted": ({ sessionID = "" }) => sessions.emptied(sessionID),
    "session.deleted"({ info, sessionID = "" }) {
      sessions.emptied(info?.id ?? sessionID);
      if (!info?.id) return;
      const { id, projectID, directory } = info;
      plugin.notify("event", {
        type: "session.deleted",
        directory: instance.directory,
        info: { id, projectID, directory },
      });
    },
    "session.idle": turnEnded,
    "session.error": turnEnded,
    "session.status": turnEnded,
  };

  /**
   * @param {Properties} properties
   * @param {string} type
   */
  function turnEnded({ sessionID = "", error, status }, type) {
    if (status && status.type !== "retry") return;
    const step = sessions.lastStep(sessionID);
    const isWatched = sessions.isOurTurn(sessionID) || sessions.isOfInterest(instance.directory, step);
    if (!isWatched && !sessions.isInChain(sessionID)) return;
    plugin.notify("event", {
      type,
      context: plugin.context(instance, sessionID),
      sighting: { sessionID, ...step },
      error,
      status,
    });
  }

  return {
    /** @param {{event: {type: string, properties?: Properties}}} input */
    event({ event: { type, properties } }) {
      plugin.isAtWork();
      if (Object.hasOwn(on, type)) on[type]?.(properties ?? {}, type);
    },

    /**
     * @param {{sessionID: string}} input
     * @param {{context: string[]}} output
     */
    async "experimental.session.compacting"({ sessionID }, output) {
      sessions.compacts(sessionID);
      try {
        const params = { context: plugin.context(instance, sessionID) };
        const answer = await plugin.call("session/compacting", params, timing);
        output.context.push(...answer.context);
      } catch (error) {
        log("warn", `${sessionID} is compacted without its records: ${error}`);
      }
    },

    /**
     * @param {{sessionID: string}} input
     * @param {{enabled: boolean}} output
     */
    async "experimental.compaction.autocontinue"({ sessionID }, output) {
      try {
        const params = { context: plugin.context(instance, sessionID) };
        const answer = await plugin.call("session/continue", params, timing);
        if (answer.enabled === false) output.enabled = false;
      } catch (error) {
        log("warn", `${sessionID} goes on by itself after its compaction: ${error}`);
      }
    },
  };
}
