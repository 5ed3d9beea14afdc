// @bun
/**
 * One end of a JSON-RPC 2.0 conversation over a readable and a writable, one message a line, both sides calling. Owns
 * lines, ids, open calls, cancellation, and the one place where exceptions become wire errors. A line that is no message
 * is skipped. Knows nothing of OpenCode, of processes, or of what the methods mean.
 */
import { CODES, Failure, isKind, RpcError, seconds, within } from "./failures.js";
import { MANIFEST } from "./manifest.js";

/** @typedef {Record<string, unknown>} Json what a method takes: each looks over its own */
/** @typedef {{id?: number | string, method?: string, params?: Json, result?: unknown, error?: WireError}} Message */
/** @typedef {{code: number, message: string}} WireError */
/** @typedef {(params: Json, context: {signal: AbortSignal}) => unknown} Handler */
/** @typedef {{resolve: (result: unknown) => void, reject: (error: Error) => void}} OpenCall */
/**
 * `graceMs`: how long the peer may take to end a call that was cancelled before it counts as stuck.
 * @typedef {import("./failures.js").Limits & {graceMs?: number | undefined}} Limits
 */

const NEWLINE = 0x0a;

/** How JSON.stringify writes a surrogate without its partner. */
const HALF_A_PAIR = /\\ud[89a-f]/;

const utf8 = new TextDecoder("utf-8", { fatal: true });

export class Connection {
  #output;
  #handlers;
  #log;
  #maxFrameBytes;
  #lastID = 0;
  #isClosed = false;
  /** Calls of ours that wait for an answer. @type {Map<unknown, OpenCall>} */
  #open = new Map();
  /** Calls of the peer that are being served. @type {Map<unknown, AbortController>} */
  #serving = new Map();
  /** @type {() => void} */
  #resolveClosed = () => {};
  /** Resolves once, when no further message can come. @type {Promise<void>} */
  closed = new Promise((resolve) => {
    this.#resolveClosed = resolve;
  });

  /**
   * @param {import("node:stream").Readable} input
   * @param {import("node:stream").Writable} output
   * @param {object} parts
   * @param {Record<string, Handler>} parts.handlers what the peer may call
   * @param {import("./host.js").Log} parts.log
   * @param {number} [parts.maxFrameBytes]
   */
  constructor(input, output, { handlers, log, maxFrameBytes = MANIFEST.maxFrameBytes }) {
    this.#output = output;
    this.#handlers = handlers;
    this.#log = log;
    this.#maxFrameBytes = maxFrameBytes;
    const push = frameSplitter(maxFrameBytes, (frame, bytes) => {
      const message = frame && messageOf(frame);
      if (message) this.#receive(message);
      else log("warn", `skipped a line of ${bytes} bytes that is ${frame ? "not JSON-RPC 2.0" : "too long"}`);
    });
    input.on("data", push);
    for (const name of ["end", "close"]) input.on(name, () => this.close());
    for (const stream of [input, output]) {
      stream.on("error", (error) => {
        log("debug", `the connection broke: ${error.message}`);
        this.close();
      });
    }
  }

  /**
   * The peer's result. A cancelled call waits `graceMs` for the peer to end it: a result that comes in that
   * time still counts, for what it tells of has been done.
   * @param {string} method
   * @param {Json} params
   * @param {Limits} [limits]
   * @returns {Promise<unknown>}
   * @throws {RpcError | Failure} cancelled, late, stuck, died, tooLarge
   */
  async request(method, params, { graceMs = MANIFEST.waitMs.cancelGrace, ...limits } = {}) {
    if (limits.signal?.aborted) throw new Failure("cancelled");
    this.#lastID += 1;
    const id = this.#lastID;
    const answer = new Promise((resolve, reject) => this.#open.set(id, { resolve, reject }));
    try {
      this.#write({ id, method, params });
      return await within(answer, limits);
    } catch (error) {
      if (!isKind(error, "late", "cancelled")) throw error;
      this.#send({ method: "$/cancelRequest", params: { id } });
      const words = seconds(limits.timeoutMs);
      return await within(answer, { timeoutMs: graceMs }).catch((last) => {
        if (isKind(last, "late", "cancelled"))
          throw new Failure(error.kind === "late" ? "stuck" : error.kind, words, true, false);
        const isEnded = last instanceof RpcError && last.code === CODES.REQUEST_CANCELLED;
        throw isEnded ? new Failure(error.kind, words, true, true) : last;
      });
    } finally {
      this.#open.delete(id);
    }
  }

  /**
   * @param {string} method
   * @param {Json} params
   * @throws {Failure} died, tooLarge
   */
  notify(method, params) {
    this.#write({ method, params });
  }

  /** Ends every open call with a `Failure` and aborts what is being served. Safe to call again. */
  close() {
    this.#isClosed = true;
    for (const call of this.#open.values()) call.reject(new Failure("died", {}, true));
    for (const controller of this.#serving.values()) controller.abort();
    this.#resolveClosed();
  }

  /** @param {Message} message */
  #write(message) {
    const frame = encodeFrame({ jsonrpc: "2.0", ...message }, this.#maxFrameBytes);
    if (this.#isClosed || !this.#output.writable) throw new Failure("died");
    this.#output.write(frame);
  }

  /** Writes where nobody waits to hear that it failed. @param {Message} message */
  #send(message) {
    try {
      this.#write(message);
    } catch (error) {
      this.#log("debug", `not sent: ${error}`);
    }
  }

  /** @param {Message} message */
  #receive({ id, method, params, result, error }) {
    if (method === undefined) {
      const call = this.#open.get(id);
      if (!call)
        this.#log("warn", `dropped an answer to no open call (id ${id}): ${error?.message ?? "a result"}`);
      else if (error) call.reject(new RpcError(error.code, error.message));
      else call.resolve(result);
    } else if (method === "$/cancelRequest") this.#serving.get(params?.id)?.abort();
    // One that comes twice is carried out once.
    else if (id !== undefined && !this.#serving.has(id)) void this.#serve(id, method, params ?? {});
  }

  /**
   * @param {number | string} id
   * @param {string} method
   * @param {Json} params
   */
  async #serve(id, method, params) {
    const controller = new AbortController();
    const { signal } = controller;
    this.#serving.set(id, controller);
    try {
      const handler = this.#handlers[method];
      if (!handler) throw new RpcError(CODES.METHOD_NOT_FOUND, `there is no method ${method}`);
      const result = (await handler(params, { signal })) ?? null;
      signal.throwIfAborted();
      this.#write({ id, result });
    } catch (error) {
      this.#send({ id, error: this.#wireError(`call ${id} (${method})`, error, signal.aborted) });
    } finally {
      this.#serving.delete(id);
    }
  }

  /**
   * The one place where an exception becomes something for the wire.
   * @param {string} call
   * @param {unknown} error
   * @param {boolean} isCancelled
   * @returns {WireError}
   */
  #wireError(call, error, isCancelled) {
    if (isCancelled) return { code: CODES.REQUEST_CANCELLED, message: new Failure("cancelled").message };
    if (error instanceof RpcError) return { code: error.code, message: error.message };
    const code = CODES.INTERNAL_ERROR;
    if (error instanceof Failure)
      return { code, message: `the plugin could not pass on the answer (${call}): ${error.message}` };
    this.#log("error", `${call}: ${error instanceof Error ? error.stack : error}`);
    return { code, message: `the plugin failed (${call}): OpenCode's log has the details` };
  }
}

/**
 * One line for the wire, newline included.
 * @param {unknown} message
 * @param {number} limitBytes for the line without its newline
 * @returns {string}
 * @throws {Failure} tooLarge; nothing was written
 */
export function encodeFrame(message, limitBytes) {
  let line = JSON.stringify(message);
  // Half an emoji, as a model's cut-off arguments may hold: the other side would refuse the whole line.
  if (HALF_A_PAIR.test(line)) line = JSON.stringify(message, (_, value) => value?.toWellFormed?.() ?? value);
  const bytes = Buffer.byteLength(line);
  if (bytes > limitBytes) throw new Failure("tooLarge", { bytes, limitBytes });
  return `${line}\n`;
}

/**
 * Takes pieces of a stream, and hands over each line that is complete once; of one over the limit the length alone.
 * @param {number} limitBytes
 * @param {(frame: Buffer | null, bytes: number) => void} onFrame
 * @returns {(chunk: Uint8Array) => void}
 */
export function frameSplitter(limitBytes, onFrame) {
  /** Pieces of the unfinished line: joined once, at its end, so that the cost stays linear. @type {Uint8Array[]} */
  let pieces = [];
  let bytes = 0;

  /** @param {Uint8Array} piece */
  function add(piece) {
    bytes += piece.length;
    if (bytes > limitBytes) pieces = [];
    else pieces.push(piece);
  }

  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      onFrame(bytes > limitBytes ? null : Buffer.concat(pieces), bytes);
      [pieces, bytes, start] = [[], 0, end + 1];
    }
    add(chunk.subarray(start));
  };
}

/**
 * The message that a line holds, or null.
 * @param {Buffer} frame
 * @returns {Message | null}
 */
function messageOf(frame) {
  try {
    const message = JSON.parse(utf8.decode(frame));
    return message?.jsonrpc === "2.0" ? message : null;
  } catch {
    return null;
  }
}
