// @bun
/**
 * Everything that can go wrong between OpenCode and the sidecar, too long a wait included, as data; and what a person or
 * the model is told of it. The sentences are Python's: `failures` in tools.json is the one table of why the sidecar can't
 * be had.
 */
import { fill, MANIFEST } from "./manifest.js";

const { failures, sentences } = MANIFEST;

/** Codes on the wire. */
export const CODES = MANIFEST.errorCodes;

/** @typedef {{signal?: AbortSignal | undefined, timeoutMs?: number | undefined}} Limits */

/**
 * How a process ended, as far as it is known.
 * @typedef {object} Exit
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {NodeJS.ErrnoException | null} spawnError set when the process never came to be
 * @property {string[]} stderr the last lines, oldest first
 */

/** Of a process's last line. */
const TOLD_CHARACTERS = 300;

/** The peer answered with an error. */
export class RpcError extends Error {
  name = "RpcError";

  /**
   * @param {number} code
   * @param {string} message a sentence that is safe to show
   */
  constructor(code, message) {
    super(message);
    this.code = code;
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
 * A timer that never holds OpenCode alive.
 * @param {number} ms no more than no time where it has passed: Node and Bun print a warning of that, onto the TUI's screen
 * @param {() => void} action
 * @returns {() => void} takes it back
 */
export function later(ms, action) {
  const timer = setTimeout(action, Math.max(ms, 0));
  timer.unref?.();
  return () => clearTimeout(timer);
}

/**
 * The promise's own outcome, or a `Failure` when the signal or the limit comes first. The work behind the promise is
 * not stopped.
 * @template T
 * @param {Promise<T>} promise
 * @param {Limits} limits
 * @returns {Promise<T>}
 * @throws {Failure} cancelled, late
 */
export function within(promise, { signal, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const cancel = () => reject(new Failure("cancelled"));
    const late = () => reject(new Failure("late", seconds(timeoutMs)));
    const disarm = timeoutMs === undefined ? () => {} : later(timeoutMs, late);
    if (signal?.aborted) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
    promise.then(resolve, reject).finally(() => {
      disarm();
      signal?.removeEventListener("abort", cancel);
    });
  });
}

/** The words of a sentence on a time limit. @param {number | undefined} ms */
export const seconds = (ms = 0) => ({ seconds: ms / 1_000 });

/**
 * What is said of a tool that failed, or of a command if the name is written as one.
 * @param {string} name
 * @param {unknown} error
 * @param {string | null} [briefs] the folder of the briefs, if the sidecar has told it
 */
export function callFailure(name, error, briefs = null) {
  const sentence = isKind(error, "cancelled") ? sentences.cancelled : sentences.failed;
  const failed = fill(sentence, { name, cause: cause(error) });
  return joined(failed, whatWasMade(name, error, briefs), whatNext(error));
}

/**
 * What is said of a failure by one of Python's sentences, and what to do about it.
 * @param {string} sentence
 * @param {unknown} error
 */
export const explained = (sentence, error) =>
  joined(fill(sentence, { cause: cause(error) }), whatNext(error));

/**
 * @param {unknown} error
 * @param {(keyof typeof failures)[]} kinds
 * @returns {error is Failure}
 */
export const isKind = (error, ...kinds) => error instanceof Failure && kinds.includes(error.kind);

/**
 * Whether it is a refusal of which the sidecar itself tells the person, in a sentence that is whole: it knows what was
 * made and where the brief lies.
 * @param {unknown} error
 * @returns {error is RpcError}
 */
export const isTold = (error) => error instanceof RpcError && error.code === CODES.TOOL_FAILED;

/** A clause without a full stop. @param {unknown} error */
export const cause = (error) =>
  (error instanceof Error ? error.message : String(error)).replace(/\.\s*$/, "");

/**
 * @param {string} name
 * @param {unknown} error
 * @param {string | null} briefs
 */
function whatWasMade(name, error, briefs) {
  // Any other code is a refusal of the wire itself: the call has reached no tool.
  const isRefused = error instanceof RpcError && error.code !== CODES.INTERNAL_ERROR;
  const sent = error instanceof Failure ? error.sent : !isRefused;
  if (!sent) return sentences.nothingMade;
  if (name !== MANIFEST.maker && !name.startsWith("/")) return sentences.goOn;
  return joined(sentences.maybeMade, briefs ? fill(sentences.newestBrief, { briefs }) : "");
}

/** @param {unknown} error */
const whatNext = (error) => (error instanceof Failure ? failures[error.kind].next : "");

/** @param {string[]} parts */
const joined = (...parts) => parts.filter(Boolean).join(" ");

/** How a process ended, in parentheses. @param {Exit} exit */
export function ending({ code, signal, stderr }) {
  const how = signal ? fill(sentences.exit.signal, { signal }) : fill(sentences.exit.code, { code });
  const line = stderr.at(-1)?.slice(0, TOLD_CHARACTERS);
  const parts = [signal || code !== null ? how : "", line && fill(sentences.exit.line, { line })];
  const said = parts.filter(Boolean).join("; ");
  return said && ` (${said})`;
}

/**
 * Why a sidecar could not be started.
 * @param {unknown} error of its greeting
 * @param {import("./manifest.js").Command[]} commands that were tried
 * @param {Exit} exit
 * @param {number} timeoutMs
 */
export function startFailure(error, commands, exit, timeoutMs) {
  if (exit.spawnError) {
    const looked = commands.map(({ words }) => words[0]).join(", ");
    const { code } = exit.spawnError;
    return new Failure(commands.length > 1 ? "missing" : "notFound", { looked, program: looked, code });
  }
  if (isKind(error, "died")) return new Failure("ended", { ending: ending(exit) });
  if (isKind(error, "stuck")) return new Failure("silent", { ...seconds(timeoutMs), ending: ending(exit) });
  if (error instanceof Failure) return error;
  const isMismatch = error instanceof RpcError && error.code === CODES.PROTOCOL_MISMATCH;
  return new Failure(isMismatch ? "told" : "refused", { cause: cause(error) });
}
