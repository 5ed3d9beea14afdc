/**
 * The `chat.message` hook: hands a message that may be the trigger to the sidecar, and adds the text that it
 * answers as a part that only the model sees. Any other message passes without a call.
 *
 * `opencode run` sends its one message before the sidecar has told the person's own trigger words. If there are any,
 * such a message passes too, and is looked at again when the model is about to be asked, most of a second later.
 */
import { within } from "../deadline.js";
import { arriving } from "../persons.js";
import { triggerFailure } from "../sentences.js";
import { typedText } from "../typed.js";

/** The person waits for this, with the message already sent. */
export const MESSAGE_TIMEOUT_MS = 5_000;

/** The first request of a process waits for a sidecar that starts, no longer than this. */
const LATE_TIMEOUT_MS = 2_000;

/** A person types one or two messages while a sidecar starts. */
const MOST_EARLY = 20;

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARACTERS = 14;
const TIME_DIGITS = 12;
const LAST_TIME = (1n << 48n) - 1n;

/** @param {import("../plugin.js").Parts} parts */
export function messageHooks({
  api,
  instance,
  lock,
  manifest,
  sidecar,
  toastFailure,
  sessions,
  trigger,
  limits,
}) {
  const signature = new RegExp(manifest.signedByAPlugin.source, manifest.signedByAPlugin.flags);
  /** Messages that came before the pattern was known. @type {Set<string>} */
  const early = new Set();

  /**
   * @param {{sessionID: string, messageID: string, text: string}} message
   * @param {any[]} parts
   */
  async function received({ sessionID, messageID, text }, parts) {
    try {
      const params = { sessionID, messageID, text, directory: instance.directory };
      const answer = await sidecar.call("message/received", params, {
        timeoutMs: limits.messageMs ?? MESSAGE_TIMEOUT_MS,
        graceMs: 0,
      });
      if (typeof answer?.text !== "string") return;
      const id = partIDAfter(parts.map((part) => part?.id));
      // Others may rewrite what was typed; the handoff is made of what came.
      const metadata = { handoff: { typed: answer.typed } };
      parts.push({ id, sessionID, messageID, type: "text", synthetic: true, text: answer.text, metadata });
    } catch (error) {
      toastFailure("Handoff", triggerFailure(error), error);
    }
  }

  return {
    /**
     * @param {any} input
     * @param {any} output
     * @returns {Promise<void> | undefined}
     */
    "chat.message"(input, output) {
      const messageID = output.message?.id ?? input?.messageID;
      const sessionID = input?.sessionID ?? output.message?.sessionID;
      if (!messageID || !sessionID) return undefined;
      const writer = arriving(sessionID, output.parts, signature);
      const isAPersons = writer === "a person" && !sessions.isPrompting(sessionID);
      sessions.arrived(sessionID, messageID, isAPersons);
      if (isAPersons) lock.written(sessionID, output.message?.time?.created ?? Date.now(), api);
      const text = typedText(output.parts);
      if (!trigger.test(text)) {
        if (!trigger.isKnown && early.size < MOST_EARLY) early.add(messageID);
        return undefined;
      }
      return sessions.isFirstSight(messageID)
        ? received({ sessionID, messageID, text }, output.parts)
        : undefined;
    },

    /**
     * @param {any} _input
     * @param {any} output
     */
    async "experimental.chat.messages.transform"(_input, output) {
      if (early.size === 0) return;
      const user = output.messages.findLast((/** @type {any} */ { info }) => info?.role === "user");
      if (!user || !early.delete(user.info.id)) return;
      const { info, parts } = user;
      await within(trigger.known, { timeoutMs: LATE_TIMEOUT_MS });
      const text = typedText(parts);
      if (!trigger.test(text) || !sessions.isFirstSight(info.id)) return;
      await received({ sessionID: info.sessionID, messageID: info.id, text }, parts);
    },
  };
}

/**
 * An id that sorts after the others. OpenCode shows a message's parts in the order of their ids, which are
 * `prt_`, 12 hexadecimal digits (milliseconds × 0x1000 + a counter), and 14 random base62 characters (seen in
 * 1.1.65 to 1.18.33): one more on the counter is what OpenCode's own next part would have. An id of any other
 * form is made longer, which sorts after it too.
 * @param {unknown[]} ids
 * @returns {string}
 */
export function partIDAfter(ids) {
  const last = ids
    .filter((id) => typeof id === "string" && id.startsWith("prt_"))
    .sort()
    .at(-1);
  const now = (BigInt(Date.now()) * 0x1000n) & LAST_TIME;
  if (typeof last !== "string") return partID(now);
  const digits = /^prt_([0-9a-f]{12})[0-9A-Za-z]{14}$/.exec(last)?.[1];
  const time = digits === undefined ? LAST_TIME : BigInt(`0x${digits}`);
  return time === LAST_TIME ? `${last}1` : partID(time + 1n);
}

/** @param {bigint} time */
function partID(time) {
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_CHARACTERS));
  const suffix = Array.from(random, (byte) => BASE62[byte % BASE62.length]).join("");
  return `prt_${time.toString(16).padStart(TIME_DIGITS, "0")}${suffix}`;
}
