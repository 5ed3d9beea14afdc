/**
 * Everything that can go wrong between OpenCode and the sidecar, as data.
 * Knows no sentences for people: those are in sentences.js.
 *
 *     Error
 *     ├── RpcError             the peer answered with an error               code, data
 *     ├── FrameTooLarge        a message over the limit; nothing was written bytes, limitBytes
 *     ├── ConnectionClosed     the stream ended while the call was open      sent
 *     ├── CallGivenUp          cancelled, or over its time limit             why, sent, answered
 *     ├── MeantThrow           what ends an operation of OpenCode's on purpose
 *     └── SidecarError         the process                                   exit
 *         ├── SidecarMissing       nothing says how to start one             looked
 *         ├── SidecarNotFound      its program isn't there or may not be run program
 *         ├── SidecarStartFailed   it ended, was silent, refused, or speaks otherwise why
 *         ├── SidecarResting       too many failed starts                    retryInMs, last
 *         ├── SidecarStopped       it failed to start again and again         starts, last
 *         └── SidecarDied          it ended in the middle of a call
 */

/** Codes on the wire: JSON-RPC 2.0 section 5.1, LSP's RequestCancelled, and this protocol's own. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;
export const REQUEST_CANCELLED = -32800;
export const PROTOCOL_MISMATCH = -32001;
export const ENDPOINT_REFUSED = -32010;
export const HOST_UNREACHABLE = -32011;
export const TOOL_FAILED = -32020;

/**
 * How a process ended, as far as it is known.
 * @typedef {object} Exit
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {NodeJS.ErrnoException | null} spawnError set when the process never came to be
 * @property {string[]} stderr the last lines, oldest first
 */

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

export class FrameTooLarge extends Error {
  name = "FrameTooLarge";

  /**
   * @param {number} bytes
   * @param {number} limitBytes
   */
  constructor(bytes, limitBytes) {
    super(`a message of ${bytes} bytes is over the limit of ${limitBytes} bytes`);
    this.bytes = bytes;
    this.limitBytes = limitBytes;
  }
}

export class ConnectionClosed extends Error {
  name = "ConnectionClosed";

  /** @param {boolean} sent whether the call may have reached the peer */
  constructor(sent) {
    super("the connection was closed");
    this.sent = sent;
  }
}

export class CallGivenUp extends Error {
  name = "CallGivenUp";

  /**
   * @param {"cancelled" | "timed out"} why
   * @param {{sent: boolean, answered: boolean, afterMs?: number | undefined}} how `answered`: the peer
   *   confirmed that the call has ended; `afterMs`: the time limit that ran out
   */
  constructor(why, { sent, answered, afterMs }) {
    super(why === "cancelled" ? "the call was cancelled" : `no answer within ${afterMs} ms`);
    this.why = why;
    this.sent = sent;
    this.answered = answered;
    this.afterMs = afterMs;
  }
}

/** The one error that a hook lets out: OpenCode is to end what it was about to do. */
export class MeantThrow extends Error {
  name = "MeantThrow";
}

export class SidecarError extends Error {
  name = "SidecarError";

  /**
   * @param {string} message
   * @param {Exit | null} exit
   */
  constructor(message, exit) {
    super(message);
    this.exit = exit;
  }
}

export class SidecarMissing extends SidecarError {
  name = "SidecarMissing";

  /** @param {string[]} looked the programs that are not on the PATH */
  constructor(looked) {
    super(`not on the PATH: ${looked.join(", ")}`, null);
    this.looked = looked;
  }
}

export class SidecarNotFound extends SidecarError {
  name = "SidecarNotFound";

  /**
   * @param {string} program
   * @param {Exit} exit
   */
  constructor(program, exit) {
    super(`${program} could not be started (${exit.spawnError?.code ?? "unknown reason"})`, exit);
    this.program = program;
  }
}

export class SidecarStartFailed extends SidecarError {
  name = "SidecarStartFailed";

  /**
   * @param {"ended" | "silent" | "refused" | "mismatch"} why
   * @param {string} message
   * @param {Exit | null} exit
   */
  constructor(why, message, exit) {
    super(message, exit);
    this.why = why;
  }
}

export class SidecarResting extends SidecarError {
  name = "SidecarResting";

  /**
   * @param {number} retryInMs
   * @param {SidecarError | null} last the start failure that was one too many
   */
  constructor(retryInMs, last) {
    super(`the sidecar failed to start too often; not tried for another ${retryInMs} ms`, last?.exit ?? null);
    this.retryInMs = retryInMs;
    this.last = last;
  }
}

export class SidecarStopped extends SidecarError {
  name = "SidecarStopped";

  /**
   * @param {number} starts how many failed in a row
   * @param {SidecarError | null} last
   */
  constructor(starts, last) {
    super(`the sidecar failed to start ${starts} times in a row; not tried any more`, last?.exit ?? null);
    this.starts = starts;
    this.last = last;
  }
}

export class SidecarDied extends SidecarError {
  name = "SidecarDied";

  /** @param {Exit} exit */
  constructor(exit) {
    super("the sidecar ended in the middle of a call", exit);
  }
}
