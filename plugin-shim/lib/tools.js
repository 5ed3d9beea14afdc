/**
 * The tools and the commands, as OpenCode registers them, and as the sidecar carries them out.
 * Knows what they are called, and nothing of what they do.
 */
import { callFailure, Failure, isTold, MeantThrow } from "./failures.js";
import { fill, MANIFEST } from "./manifest.js";

const { commands, maker, sentences, tools } = MANIFEST;

/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {{done: boolean, text: string}} Answer what came of a command */

/**
 * @typedef {object} ToolContext OpenCode's
 * @property {string} sessionID
 * @property {string} [messageID]
 * @property {string} [callID]
 * @property {string} [agent]
 * @property {string} [worktree]
 * @property {AbortSignal} [abort]
 */

/**
 * @param {import("./plugin.js").Plugin} plugin
 * @param {import("./host.js").Instance} instance
 */
export function toolHooks(plugin, instance) {
  const { host, lock, waitMs, log } = plugin;
  let hasRival = false;

  /** @param {string} name */
  function isAnothers(name) {
    instance.theirs.add(name);
    plugin.notice(instance, fill(sentences.commandOfAnother, { name }), "warning");
  }

  /**
   * @param {string} name
   * @param {unknown} args
   * @param {Partial<ToolContext>} [given]
   */
  async function execute(name, args, given = {}) {
    if (plugin.refusal) throw new Error(plugin.refusal);
    const {
      sessionID = "",
      messageID,
      callID = "",
      agent,
      worktree = instance.worktree,
      abort: signal,
    } = given;
    try {
      const context = { ...plugin.context(instance, sessionID), messageID, callID, agent, worktree };
      const call = { name, arguments: args ?? {}, context };
      const how = { signal, timeoutMs: waitMs.toolCall, killWhenStuck: true };
      const answer = () => plugin.call("tool/call", call, how);
      const { title, output, metadata } = await (name === maker
        ? lock.leaving(sessionID, async () => {
            // Other calls of the same step end first, and those that come meanwhile wait for what comes of it.
            await lock.alone({ sessionID, callID, signal });
            return answer();
          })
        : answer());
      return { title: String(title ?? name), output: String(output), metadata: metadata ?? {} };
    } catch (error) {
      // Of what the sidecar refuses it tells the person itself, with the call's id; and whoever pressed escape knows.
      if (isTold(error)) throw new Error(error.message, { cause: error });
      if (plugin.refusal) throw new Error(plugin.refusal);
      const sentence = `${callFailure(name, error, plugin.briefs)}${callID ? ` (call ${callID})` : ""}`;
      log("warn", sentence);
      if (!(error instanceof Failure && error.kind === "cancelled")) plugin.tell(instance, sentence);
      throw new Error(sentence, { cause: error });
    }
  }

  return {
    tool: Object.fromEntries(
      tools.map(({ name, description }) => [
        name,
        {
          description,
          args: {}, // anything else is fatal in one version or another
          /**
           * @param {unknown} args
           * @param {ToolContext} context
           */
          execute: (args, context) => execute(name, args, context),
        },
      ]),
    ),

    /**
     * Gives a tool of ours its schema, when OpenCode asks about one for a request to a model. Of two plugins with a tool
     * of the same name one gets the calls, in no order that we could choose (1.18.33): a description tells whose it is.
     * @param {{toolID: string}} input
     * @param {{description?: string, jsonSchema?: object}} output
     */
    "tool.definition"({ toolID }, output) {
      const tool = tools.find(({ name }) => name === toolID);
      if (!tool) return;
      const { description } = output;
      if (typeof description === "string" && !description.includes(tool.description)) {
        if (!hasRival) plugin.notice(instance, fill(sentences.toolOfAnother, { name: toolID }), "warning");
        hasRival = true;
      } else output.jsonSchema = structuredClone(tool.parameters);
    },

    /** @param {{command?: Record<string, {description?: string, template?: string}>}} config OpenCode's */
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
        return output?.parts?.some(({ text }) => text?.startsWith(beginning)) || isAnothers(name);
      }
      const answer = await carryOut(plugin, instance, { name, session, words });
      if (host.mode === "run") await host.leave(answer.text, answer.done);
      throw new MeantThrow(answer.text);
    },
  };
}

/** The commands that no model is to see, but for those of the same name that the user has made. @param {Instance} instance */
export function ourCommands({ theirs }) {
  return commands.flatMap(({ name, immediate }) => (immediate && !theirs.has(name) ? name : []));
}

/** By what they do and where: one that comes a second time while it is under way is done once. @type {Map<string, Promise<Answer>>} */
const underWay = new Map();

/**
 * Carries out a command of ours; a failure is told to the person.
 * @param {import("./plugin.js").Plugin} plugin
 * @param {Instance} instance
 * @param {{name: string, session: string, words: string}} command
 */
export function carryOut(plugin, instance, { name, session, words }) {
  const key = [session, name, words.trim()].join(" ");
  const begun = underWay.get(key) ?? execute();
  underWay.set(key, begun);
  return begun.finally(() => underWay.delete(key));

  async function execute() {
    plugin.sessions.typed(session);
    try {
      const call = { name, arguments: words, context: plugin.context(instance, session) };
      const how = { timeoutMs: plugin.waitMs.command, killWhenStuck: true };
      return await plugin.lock.leaving(session, () => plugin.call("command/execute", call, how));
    } catch (error) {
      // The command's promise is that no model is asked: that holds without the sidecar too.
      const text = plugin.refusal ?? callFailure(`/${name}`, error, plugin.briefs);
      plugin.tell(instance, text);
      return { done: false, text };
    }
  }
}
