/**
 * The tools, as OpenCode registers them, and their schemas.
 * Knows what a tool is called, and nothing of what it does: that is the sidecar's.
 */
import { CallGivenUp, RpcError, TOOL_FAILED } from "../errors.js";
import { defineTool } from "../registration.js";
import { MAKER, takenByAnother, toolFailure } from "../sentences.js";

/** A handoff takes well under a second; what takes this long will not end by itself. */
export const TOOL_CALL_TIMEOUT_MS = 60_000;

/** @param {import("../plugin.js").Parts} parts */
export function toolHooks({
  manifest,
  host,
  instance,
  lock,
  sidecar,
  callFailed,
  toastFailure,
  refusal,
  notice,
  context: place,
  limits,
}) {
  /**
   * Other calls of the same step end first, and those that come meanwhile wait for what comes of it.
   * @template T
   * @param {any} context
   * @param {() => Promise<T>} work
   */
  function handedOff({ sessionID, callID, abort }, work) {
    return lock.leaving(sessionID, async () => {
      await lock.alone({ sessionID, callID, signal: abort });
      return work();
    });
  }

  /**
   * @param {string} name
   * @param {any} args
   * @param {any} context
   */
  async function execute(name, args, context) {
    const refused = refusal();
    if (refused) throw new Error(refused);
    try {
      const call = {
        name,
        arguments: args ?? {},
        context: {
          ...place(context?.sessionID),
          messageID: context?.messageID,
          callID: context?.callID,
          agent: context?.agent,
          worktree: context?.worktree ?? instance.worktree,
        },
      };
      const answer = () =>
        sidecar.call("tool/call", call, {
          signal: context?.abort,
          timeoutMs: limits.toolCallMs ?? TOOL_CALL_TIMEOUT_MS,
          killWhenStuck: true,
        });
      const { title, output, metadata } = await (name === MAKER ? handedOff(context, answer) : answer());
      return { title: String(title ?? name), output: String(output), metadata: metadata ?? {} };
    } catch (error) {
      callFailed(error);
      // Of what the sidecar refuses it tells the person itself, with the call's id; and whoever pressed escape knows.
      const isKnown = error instanceof RpcError && error.code === TOOL_FAILED;
      const isEscape = error instanceof CallGivenUp && error.why === "cancelled";
      const id = isKnown || !context?.callID ? "" : ` (call ${context.callID})`;
      const sentence = `${toolFailure(name, error, sidecar.briefs)}${id}`;
      if (!isKnown) host.log("warn", sentence);
      if (!isKnown && !isEscape) toastFailure("Handoff sidecar", sentence, error);
      throw new Error(sentence, { cause: error });
    }
  }

  return {
    tool: Object.fromEntries(
      manifest.tools.map(({ name, description }) => [
        name,
        {
          description,
          args: {}, // anything else is fatal in one version or another
          /**
           * @param {unknown} args
           * @param {unknown} context
           */
          execute: (args, context) => execute(name, args, context),
        },
      ]),
    ),
    /**
     * @param {any} input
     * @param {any} output
     */
    "tool.definition"(input, output) {
      if (defineTool(manifest, input, output)) return;
      notice(takenByAnother(manifest.tools.map(({ name }) => name)), "warning");
    },
  };
}
