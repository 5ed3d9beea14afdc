// @bun
/**
 * All that OpenCode 1.x calls, as it calls it, and who of the rest is told. Belongs to `host.js`, as `events.js` does.
 * A throw in a hook would end what OpenCode was doing, and lose what the person typed: only one that is meant gets out.
 */
import { eventHook } from "./events.js";
import { MeantThrow } from "./failures.js";
import { fill, MANIFEST } from "./manifest.js";
import { beforeRequest, received } from "./messages.js";
import { callTool, carryOut } from "./tools.js";

/** @typedef {import("./plugin.js").Plugin} Plugin */
/** @typedef {import("./host.js").Instance} Instance */

/** @typedef {{sessionID?: string}} ToolMetadata */
/** @typedef {{status?: string, metadata?: ToolMetadata}} ToolState */
/**
 * @typedef {object} SomePart
 * @property {string} [id]
 * @property {string} [sessionID]
 * @property {string} [messageID]
 * @property {string} [type]
 * @property {string} [text]
 * @property {boolean} [synthetic]
 * @property {boolean} [ignored]
 * @property {{handoff?: {by?: string}}} [metadata]
 * @property {string} [tool]
 * @property {string} [callID]
 * @property {ToolState} [state]
 * @property {string} [mime]
 * @property {string} [filename]
 * @property {string} [url]
 */
/** @typedef {SomePart | null} Part as other plugins may have left it */
/** @typedef {SomePart & {text: string}} TextPart */
/** @typedef {{info: MessageInfo, parts: Part[]}} Message */

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
 */

/**
 * @typedef {object} SessionInfo
 * @property {string} [id]
 * @property {string} [parentID]
 * @property {string} [projectID]
 * @property {string} [directory]
 * @property {{messageID?: string, partID?: string}} [revert]
 * @property {{handoff?: Partial<import("./lock.js").Mark>}} [metadata]
 */

/** @typedef {{description?: string, template?: string}} CommandConfig */

/**
 * What is handed to OpenCode for one initialisation; it looks each hook up when it calls it.
 * @typedef {Record<string, any>} Hooks
 */

/**
 * @param {Plugin} plugin
 * @param {Instance} instance
 * @returns {Hooks}
 */
export function hooksOf(plugin, instance) {
  const hooks = Object.entries({
    ...toolHooks(plugin, instance),
    ...turnHooks(plugin, instance),
    event: eventHook(plugin, instance),
    dispose: () => plugin.close(instance),
  });
  const tool = MANIFEST.tools.map(({ name, description }) => {
    /** @param {unknown} args @param {import("./tools.js").ToolContext} context */
    const execute = (args, context) => callTool(plugin, instance, name, args, context);
    return [name, { description, args: {}, execute }]; // any other `args` is fatal in one version or another
  });
  return {
    ...Object.fromEntries(hooks.map(([name, hook]) => [name, guarded(name, hook, plugin.log)])),
    tool: Object.fromEntries(tool),
  };
}

/**
 * @param {string} name
 * @param {(...args: any[]) => unknown} hook
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
     * @param {{toolID: string}} input
     * @param {{description?: string, jsonSchema?: object}} output
     */
    "tool.definition"({ toolID }, output) {
      const tool = tools.find(({ name }) => name === toolID);
      if (!tool) return;
      const { toolOfAnother } = sentences;
      if (output.description?.includes(tool.description) ?? true)
        output.jsonSchema = structuredClone(tool.parameters);
      else plugin.notice(instance, fill(toolOfAnother, { name: toolID }), "warning", toolOfAnother);
    },

    /** @param {{command?: Record<string, CommandConfig>}} config OpenCode's */
    config(config) {
      config.command ??= {};
      for (const { name, description, template } of commands) {
        if (config.command[name] && config.command[name].template !== template) isAnothers(name);
        config.command[name] ??= { description, template };
      }
    },

    /**
     * Carries out a command that no model is to see. The throw at the end is meant: it is the one way in OpenCode 1.x to
     * end a command without a model call. The TUI shows no error and stores nothing (seen in 1.18.33).
     * @param {{command: string, sessionID: string, arguments?: string}} input
     * @param {{parts?: {text?: string}[]}} [output]
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
     * @param {{tool: string, sessionID: string, callID: string}} call
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
 */
function turnHooks(plugin, instance) {
  const { sessions, waitMs, log } = plugin;

  /**
   * Without the sidecar everything is as OpenCode has it.
   * @template {"session/compacting" | "session/continue"} Method
   * @param {Method} method
   * @param {string} sessionID
   * @param {string} otherwise what happens then, for the log
   * @returns {Promise<Partial<import("./sidecar.js").Answers[Method]>>}
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
    /**
     * @param {{sessionID?: string, messageID?: string}} input
     * @param {{message: {id?: string, sessionID?: string, time?: {created?: number}}, parts: Part[]}} output
     */
    async "chat.message"(input, { message, parts }) {
      const messageID = message?.id ?? input?.messageID;
      const sessionID = input?.sessionID ?? message?.sessionID;
      const at = message?.time?.created ?? Date.now();
      if (messageID && sessionID) await received(plugin, instance, { sessionID, messageID, at, parts });
    },

    /**
     * Inside a turn OpenCode checks for overflow right after a step's tokens are known and then asks the model again
     * (seen in 1.18.33), so the question to the sidecar is asked there and waits for the answer, for a short while.
     * @param {unknown} _
     * @param {{messages: Message[]}} output
     */
    "experimental.chat.messages.transform": (_, { messages }) => beforeRequest(plugin, instance, messages),

    /**
     * @param {{sessionID: string}} input
     * @param {{context: string[]}} output
     */
    async "experimental.session.compacting"({ sessionID }, output) {
      sessions.compacting.set(sessionID, true);
      const answer = await ofCompaction("session/compacting", sessionID, "is compacted without its records");
      output.context.push(...(answer.context ?? []));
    },

    /**
     * @param {{sessionID: string}} input
     * @param {{enabled: boolean}} output
     */
    async "experimental.compaction.autocontinue"({ sessionID }, output) {
      const answer = await ofCompaction("session/continue", sessionID, "goes on by itself afterwards");
      if (answer.enabled === false) output.enabled = false;
    },
  };
}
