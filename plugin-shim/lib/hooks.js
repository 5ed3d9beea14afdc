// @bun
/**
 * All that OpenCode 1.x calls, as it calls it, and who of the rest is told. Belongs to `host.js`.
 * A throw in a hook would end what OpenCode was doing, and lose what the person typed: only one that is meant gets out.
 */
import { beforeRequest, callTool, carryOut, received } from "./calls.js";
import { MeantThrow } from "./failures.js";
import { fill, MANIFEST, nameCommands, toolsOf } from "./manifest.js";

/** @typedef {import("./plugin.js").Plugin} Plugin */
/** @typedef {import("./host.js").Instance} Instance */

/** @typedef {import("./opencode.js").Hooks} Hooks */

/**
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @returns {Hooks}
 */
export function hooksOf(plugin, instance) {
  const hooks = {
    ...toolHooks(plugin, instance),
    ...turnHooks(plugin, instance),
    event: eventHook(plugin, instance),
    dispose: () => plugin.close(instance),
  };
  const guards = Object.entries(hooks).map(([name, hook]) => [name, guarded(name, hook, plugin.log)]);
  const tool = toolsOf((name, args, context) => callTool(plugin, instance, name, args, context));
  return { ...Object.fromEntries(guards), tool };
}

/**
 * @param {string} name
 * @param {Function} hook
 * @param {import("./host.js").Log} log
 */
function guarded(name, hook, log) {
  return async (/** @type {unknown[]} */ ...args) => {
    try {
      return await hook(...args);
    } catch (error) {
      if (error instanceof MeantThrow) throw error;
      log("error", `hook ${name}: ${error instanceof Error ? error.stack : error}`);
    }
  };
}

/**
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @returns {Partial<import("./opencode.js").Unguarded>}
 */
function toolHooks(plugin, instance) {
  const { commands, maker, sentences, tools } = MANIFEST;
  const { calls, lock, sessions } = plugin;

  /** @param {string} name */
  function isAnothers(name) {
    instance.theirs.add(name);
    plugin.notice(instance, fill(sentences.commandOfAnother, { name }), "warning");
  }

  return {
    /**
     * Gives a tool of ours its schema, when OpenCode asks about one for a request to a model. Of two plugins with a tool
     * of the same name one gets the calls, in no order that we could choose (1.18.33): a description tells whose it is.
     */
    "tool.definition"({ toolID }, output) {
      const tool = tools.find(({ name }) => name === toolID);
      if (!tool) return;
      const { toolOfAnother } = sentences;
      if (output.description?.includes(tool.description) ?? true)
        output.jsonSchema = structuredClone(tool.parameters);
      else plugin.notice(instance, fill(toolOfAnother, { name: toolID }), "warning", toolOfAnother);
    },

    config(config) {
      for (const { name, template } of commands)
        if ((config.command?.[name]?.template ?? template) !== template) isAnothers(name);
      nameCommands(config);
    },

    /**
     * Carries out a command that no model is to see. The throw at the end is meant: it is the one way in OpenCode 1.x to
     * end a command without a model call. The TUI shows no error and stores nothing (seen in 1.18.33).
     * @throws {MeantThrow}
     */
    async "command.execute.before"({ command: name, sessionID: session, arguments: words = "" }, output) {
      const ours = commands.find((each) => each.name === name);
      if (!ours || instance.theirs.has(name)) return;
      if (!ours.immediate) {
        // A plugin that is loaded after this one may have put its own in the place of ours.
        const beginning = ours.template.replace(/\$.*/, "");
        if (!output?.parts?.some(({ text }) => text?.startsWith(beginning))) isAnothers(name);
        return;
      }
      const answer = await carryOut(plugin, instance, { name, session, words });
      if (plugin.host.mode === "run") await plugin.host.leave(answer.text, answer.done);
      throw new MeantThrow(answer.text);
    },

    /**
     * The throw is meant: it makes the call an error that the agent reads, and its turn goes on (seen in 1.15.13 and
     * 1.18.34).
     * @throws {MeantThrow}
     */
    async "tool.execute.before"({ tool, sessionID, callID }) {
      const turn = sessions.turns.get(sessionID) ?? null;
      const mark = await lock.refusal({ tool, sessionID, turn }, instance);
      // Called again in the same turn, it answers with the session that it has made.
      const isAgain = tool === maker && turn !== null && turn === mark?.turn;
      if (!mark || isAgain) return calls.began({ tool, sessionID, callID });
      plugin.log("info", `${sessionID}: ${tool} was not run, as the work goes on in ${mark.to}`);
      throw new MeantThrow(fill(sentences.worksElsewhere, { sessionID: mark.to }));
    },
  };
}

/**
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @returns {Partial<import("./opencode.js").Unguarded>}
 */
function turnHooks(plugin, instance) {
  const { sessions, waitMs, log } = plugin;

  /**
   * Without the sidecar everything is as OpenCode has it.
   * @template {"session/compacting" | "session/continue"} Method
   * @param {Method} method
   * @param {string} sessionID
   * @param {string} otherwise what happens then, for the log
   * @returns {Promise<Partial<import("./calls.js").Answers[Method]>>}
   */
  async function ofCompaction(method, sessionID, otherwise) {
    const how = { timeoutMs: waitMs.compaction, graceMs: 0 };
    const asked = plugin.call(method, { context: plugin.context(instance, sessionID) }, how);
    return asked.catch((error) => {
      log("warn", `${sessionID} ${otherwise}: ${error}`);
      return {};
    });
  }

  return {
    async "chat.message"(input, { message, parts }) {
      const messageID = message?.id ?? input?.messageID;
      const sessionID = input?.sessionID ?? message?.sessionID;
      const at = message?.time?.created ?? Date.now();
      if (messageID && sessionID) await received(plugin, instance, { sessionID, messageID, at, parts });
    },

    /**
     * Inside a turn OpenCode checks for overflow right after a step's tokens are known and then asks the model again
     * (seen in 1.18.33), so the question to the sidecar is asked there and waits for the answer, for a short while.
     */
    "experimental.chat.messages.transform": (_, { messages }) => beforeRequest(plugin, instance, messages),

    async "experimental.session.compacting"({ sessionID }, output) {
      sessions.compacting.set(sessionID, true);
      const answer = await ofCompaction("session/compacting", sessionID, "is compacted without its records");
      output.context.push(...(answer.context ?? []));
    },

    async "experimental.compaction.autocontinue"({ sessionID }, output) {
      const answer = await ofCompaction("session/continue", sessionID, "goes on by itself afterwards");
      if (answer.enabled === false) output.enabled = false;
    },
  };
}

/**
 * What OpenCode tells of by itself, and who of the rest hears it. The sidecar hears of little: the end of a turn in a
 * session that is full or part of a chain, that a session or a message was deleted, and that a message of its own is stored
 * (long before OpenCode's answer to a question for it would be there, seen in 1.18.33).
 * @param {Plugin} plugin
 * @param {Instance} instance
 */
function eventHook(plugin, instance) {
  const { calls, lock, sessions, windows } = plugin;
  const { directory } = instance;

  /** @param {import("./opencode.js").Properties} properties */
  function sessionSeen({ info = {} }) {
    sessions.seen(info);
    lock.heard(info, instance);
  }

  /**
   * @param {import("./opencode.js").Properties} properties
   * @param {string} type
   */
  function turnEnded({ sessionID = "", error, status }, type) {
    const step = sessions.lastSteps.get(sessionID);
    const isWatched = sessions.awaited.has(sessionID) || sessions.isOfInterest(directory, step);
    if (!isWatched && !sessions.inChain.has(sessionID)) return;
    const [context, sighting] = [plugin.context(instance, sessionID), { sessionID, ...step }];
    plugin.notify("event", { type, context, sighting, error, status });
  }

  /** @type {Record<string, (properties: import("./opencode.js").Properties, type: string) => void>} */
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
      plugin.start(); // what was deleted may be in the index, and nobody would tell of it again
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

  /** @param {{event: import("./opencode.js").Event}} input */
  return ({ event }) => {
    plugin.isAtWork();
    windows.heard(instance, event);
    if (Object.hasOwn(on, event.type)) on[event.type]?.(event.properties ?? {}, event.type);
  };
}
