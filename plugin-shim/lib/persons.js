// @bun
/**
 * Who wrote a message: a person, another plugin, or this one. The one place of the plugin that knows, by what the
 * message's parts carry, so that the sidecar and later processes read the same (`handoff_sidecar.session.persons`).
 * All plugins of an instance prompt through one client, and the host has each of their prompts marked on the way.
 */
import { MANIFEST } from "./manifest.js";

/** @typedef {"a person" | "a plugin" | "us" | "nobody"} Writer nobody: OpenCode itself, or a notice that no model reads */
/** @typedef {import("./hooks.js").Part} Part */

/** By which some plugins tell what they wrote. */
const SIGNATURE = new RegExp(MANIFEST.signedByAPlugin.source, MANIFEST.signedByAPlugin.flags);

/** What some plugins put before the text of a message. */
const IN_FRONT = new RegExp(MANIFEST.putInFront.source, MANIFEST.putInFront.flags);

/** In a part's metadata, which OpenCode stores and hands out again. */
const KEY = "handoff";

/** Sessions into which a plugin prompts, where the prompt itself could not be marked. @type {Set<string>} */
const promptedByPlugins = new Set();

/**
 * @param {Part[]} parts
 * @returns {Writer}
 */
export function writerOf(parts) {
  const by = parts.map((part) => part?.metadata?.[KEY]?.by).find((name) => name);
  if (by) return by === "handoff-sidecar" ? "us" : "a plugin";
  if (texts(parts).some(({ text }) => SIGNATURE.test(text))) return "a plugin";
  return parts.some((part) => part && !part.synthetic && !part.ignored) ? "a person" : "nobody";
}

/**
 * Who wrote a message that arrives; what is known of it by its session alone is written into it. A prompt of ours is as
 * it was sent, where a plugin that was loaded before this one has put something in front.
 * @param {string} sessionID
 * @param {Part[]} parts
 */
export function arriving(sessionID, parts) {
  if (promptedByPlugins.delete(sessionID)) mark(parts);
  const writer = writerOf(parts);
  if (writer === "us") for (const part of texts(parts)) part.text = part.text.replace(IN_FRONT, "");
  return writer;
}

/**
 * Marks a prompt as a plugin's.
 * @param {unknown} parts
 * @returns {boolean} whether there is a text that could be marked
 */
export function mark(parts) {
  const marked = Array.isArray(parts) ? texts(parts) : [];
  for (const part of marked) part.metadata = { ...part.metadata, [KEY]: { by: "plugin" } };
  return marked.length > 0;
}

/** The next message in a session is a plugin's that could not be marked. @param {string} sessionID */
export const notMarked = (sessionID) => promptedByPlugins.add(sessionID);

/**
 * The texts of a message, of which other plugins make what they like.
 * @param {Part[]} parts
 */
export function texts(parts) {
  return parts.filter(
    /** @returns {part is import("./hooks.js").TextPart} */
    (part) => part?.type === "text" && typeof part.text === "string",
  );
}

/**
 * What a person has typed of a message.
 * @param {Part[]} parts
 */
export const typedText = (parts) => joined(texts(parts).filter(({ synthetic }) => !synthetic));

/**
 * What the model reads of a message.
 * @param {Part[]} parts
 */
export const textForTheModel = (parts) => joined(texts(parts).filter(({ ignored }) => !ignored));

/** @param {{text: string}[]} parts */
const joined = (parts) => parts.map(({ text }) => text).join("\n");
