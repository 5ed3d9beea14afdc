/**
 * The commands, as OpenCode is told of them and as they are carried out: one that is `immediate` by the sidecar,
 * before any model sees it.
 */
import { MeantThrow } from "../errors.js";
import { commandFailure } from "../sentences.js";

/** A person waits for this. */
export const COMMAND_TIMEOUT_MS = 30_000;

/** @param {import("../plugin.js").Parts} parts */
export function commandHooks({
  commands,
  host,
  lock,
  sidecar,
  callFailed,
  toastFailure,
  sessions,
  context,
  limits,
}) {
  return {
    /** @param {any} config */
    config: (config) => commands.addTo(config),

    /**
     * The throw at the end is meant: it is the one way in OpenCode 1.x to end a command without a model call. The
     * TUI shows no error and stores nothing (seen in 1.18.33).
     * @param {any} input
     * @throws {MeantThrow}
     */
    async "command.execute.before"({ command, sessionID, arguments: words }) {
      if (!commands.isImmediate(command)) return;
      sessions.typed(sessionID);
      /** @type {{done: boolean, text: string}} */
      let answer = { done: false, text: "" };
      try {
        const call = { name: command, arguments: String(words ?? ""), context: context(sessionID) };
        const timeoutMs = limits.commandMs ?? COMMAND_TIMEOUT_MS;
        answer = await lock.leaving(sessionID, () =>
          sidecar.call("command/execute", call, { timeoutMs, killWhenStuck: true }),
        );
      } catch (error) {
        callFailed(error);
        // The command's promise is that no model is asked: that holds without the sidecar too.
        answer.text = commandFailure(command, error, sidecar.briefs);
        toastFailure("Handoff", answer.text, error);
      }
      if (host.mode === "run") await host.leave(answer.text, answer.done);
      throw new MeantThrow(answer.text);
    },
  };
}
