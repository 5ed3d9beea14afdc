/**
 * Who wrote a message: a person, another plugin, or this one. The one place of the plugin that knows, by what the
 * message's parts carry, so that the sidecar and later processes read the same (`handoff_sidecar.session.persons`).
 *
 * All plugins of an instance prompt through one client, which no message of the TUI, of `opencode run` or of another
 * program passes: what it sends is marked on the way (seen in 1.15.13 and 1.18.34).
 */

import { MANIFEST } from "./manifest.js";

/** By which some plugins tell what they wrote. */
const SIGNATURE = new RegExp(MANIFEST.signedByAPlugin.source, MANIFEST.signedByAPlugin.flags);

/** What some plugins put before the text of a message. */
const IN_FRONT = new RegExp(MANIFEST.putInFront.source, MANIFEST.putInFront.flags);

/** In a part's metadata, which OpenCode stores and hands out again. */
const KEY = "handoff";

/** A longer one is not taken apart: its session is remembered instead, until its message arrives. */
const MOST_CHARACTERS = 256_000;

const PROMPTS = new RegExp(`/session/(${MANIFEST.ids.session})/(?:prompt_async|message|command)$`);

const MOST_PASSED_ON = 4_000;

/** Clients that have been told, as several copies of the plugin may get the same one. */
const TOLD = Symbol.for("handoff-sidecar.marks-prompts");

/** Sessions into which a plugin prompts, where the prompt itself could not be marked. @type {Set<string>} */
const promptedBy = new Set();

/**
 * @param {any[]} parts
 * @returns {"a person" | "a plugin" | "us" | "nobody"} nobody: OpenCode itself, or a notice that no model reads
 */
export function writerOf(parts) {
  const by = parts.map((part) => part?.metadata?.[KEY]?.by).find((name) => name);
  if (by) return by === "handoff-sidecar" ? "us" : "a plugin";
  if (parts.some((part) => typeof part?.text === "string" && SIGNATURE.test(part.text))) return "a plugin";
  return parts.some((part) => part && !part.synthetic && !part.ignored) ? "a person" : "nobody";
}

/**
 * Who wrote a message that arrives; what is known of it by its session alone is written into it. A prompt of ours is as
 * it was sent, where a plugin that was loaded before this one has put something in front.
 * @param {string} sessionID
 * @param {any[]} parts
 */
export function arriving(sessionID, parts) {
  if (promptedBy.delete(sessionID)) markAll(parts);
  const writer = writerOf(parts);
  if (writer === "us") {
    for (const part of parts) if (part?.type === "text") part.text = part.text.replace(IN_FRONT, "");
  }
  return writer;
}

/**
 * What the model reads of a message, cut where it is far longer than anybody needs.
 * @param {any[]} parts
 */
export function textForTheModel(parts) {
  return parts
    .filter((part) => part?.type === "text" && !part.ignored && typeof part.text === "string")
    .map((part) => part.text)
    .join("\n")
    .slice(0, MOST_PASSED_ON);
}

/**
 * From now on each prompt that a plugin sends through this client is marked.
 * @param {any} client OpenCode's
 * @returns {boolean} false where the client has no such place: its prompts count as a person's then
 */
export function markPromptsOf(client) {
  const requests = client?._client?.interceptors?.request;
  if (typeof requests?.use !== "function") return false;
  if (!requests[TOLD]) requests.use(marked);
  requests[TOLD] = true;
  return true;
}

/**
 * The request as it is sent. It must go out, whatever happens here.
 * @param {Request} request
 * @param {any} [options]
 */
async function marked(request, options) {
  const sessionID = request.method === "POST" && PROMPTS.exec(new URL(request.url).pathname)?.[1];
  if (!sessionID) return request;
  try {
    const length = options?.serializedBody?.length ?? Number(request.headers.get("content-length"));
    if (!(length > MOST_CHARACTERS)) {
      const body = JSON.parse(await request.clone().text());
      if (markAll(body.parts)) return new Request(request, { body: JSON.stringify(body) });
    }
  } catch {
    // What can't be read here OpenCode will refuse, with a reason.
  }
  promptedBy.add(sessionID);
  return request;
}

/**
 * @param {unknown} parts
 * @returns {boolean} whether there is a text that could be marked
 */
function markAll(parts) {
  const texts = Array.isArray(parts) ? parts.filter((part) => part?.type === "text") : [];
  for (const part of texts) part.metadata = { ...part.metadata, [KEY]: { by: "plugin" } };
  return texts.length > 0;
}
