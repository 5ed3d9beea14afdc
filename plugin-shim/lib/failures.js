/**
 * Everything that can go wrong between OpenCode and the sidecar, as data, and what a person or the model is told of it.
 * The sentences are Python's: `failures` in tools.json is the one table of why the sidecar can't be had.
 */
import { fill, MANIFEST } from "./manifest.js";

const { failures, sentences } = MANIFEST;

/** Codes on the wire. */
export const CODES = MANIFEST.errorCodes;

/** Refusals of the wire itself: the call has reached no tool. @type {number[]} */
const REFUSALS = [CODES.PARSE_ERROR, CODES.INVALID_REQUEST, CODES.METHOD_NOT_FOUND, CODES.INVALID_PARAMS];

/** The peer answered with an error. */
export class RpcError extends Error {
  name = "RpcError";

  /**
   * @param {number} code
   * @param {string} message a sentence that is safe to show
   * @param {unknown} [data]
   */
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** The one error that a hook lets out: OpenCode is to end what it was about to do. */
export class MeantThrow extends Error {
  name = "MeantThrow";
}

/** A call that the sidecar has not answered: a row of the table. */
export class Failure extends Error {
  name = "Failure";

  /**
   * @param {keyof typeof failures} kind
   * @param {Record<string, unknown>} [words] that the row's sentence needs
   * @param {boolean} [sent] whether the call may have reached the sidecar
   * @param {boolean} [ended] whether the sidecar has confirmed that the call has ended
   */
  constructor(kind, words = {}, sent = false, ended = !sent) {
    super(fill(failures[kind].cause, words));
    this.kind = kind;
    this.sent = sent;
    this.ended = ended;
  }
}

/**
 * Of a tool, or of a command if it is written as one.
 * @param {string} name
 * @param {unknown} error
 * @param {string | null} [briefs] the folder of the briefs, if the sidecar has told it
 */
export function callFailure(name, error, briefs = null) {
  // The sidecar's own sentence is whole: it knows what was made and where the brief lies.
  if (isTold(error)) return error.message;
  const wasCancelled = error instanceof Failure && error.kind === "cancelled";
  const failed = fill(wasCancelled ? sentences.cancelled : sentences.failed, { name, cause: cause(error) });
  return joined(failed, whatWasMade(name, error, briefs), next(error));
}

/** @param {unknown} error */
export function triggerFailure(error) {
  return joined(fill(sentences.triggerFailed, { cause: cause(error) }), next(error));
}

/**
 * What is said at the start when there is no sidecar to be had: before anyone asks for a handoff in vain.
 * @param {unknown} error
 */
export function startFailure(error) {
  return joined(fill(sentences.startFailed, { cause: cause(error) }), next(error));
}

/**
 * Whether it is a refusal of which the sidecar itself tells the person.
 * @param {unknown} error
 * @returns {error is RpcError}
 */
export function isTold(error) {
  return error instanceof RpcError && error.code === CODES.TOOL_FAILED;
}

/**
 * A clause without a full stop.
 * @param {unknown} error
 */
export function cause(error) {
  return (error instanceof Error ? error.message : String(error)).replace(/\.\s*$/, "");
}

/**
 * @param {string} name
 * @param {unknown} error
 * @param {string | null} briefs
 */
function whatWasMade(name, error, briefs) {
  const sent =
    error instanceof Failure ? error.sent : !(error instanceof RpcError && REFUSALS.includes(error.code));
  if (!sent) return sentences.nothingMade;
  const makesSomething = name === MANIFEST.maker || name.startsWith("/");
  if (!makesSomething) return sentences.goOn;
  return joined(sentences.goOn, sentences.maybeMade, briefs ? fill(sentences.newestBrief, { briefs }) : "");
}

/** @param {unknown} error */
const next = (error) => (error instanceof Failure ? failures[error.kind].next : "");

/** @param {string[]} parts */
const joined = (...parts) => parts.filter(Boolean).join(" ");
