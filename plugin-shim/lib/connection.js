/**
 * One end of a JSON-RPC 2.0 conversation over a readable and a writable, one message a line, both sides
 * calling. Owns ids, open calls, cancellation, and the one place where exceptions become wire errors.
 * Knows nothing of OpenCode, of processes, or of what the methods mean.
 */
import { later } from "./deadline.js";
import {
  CallGivenUp,
  ConnectionClosed,
  FrameTooLarge,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  PARSE_ERROR,
  REQUEST_CANCELLED,
  RpcError,
} from "./errors.js";
import { encodeFrame, FrameSplitter, MAX_FRAME_BYTES } from "./frames.js";

/** How long the peer may take to end a call that was cancelled before it counts as stuck. */
export const CANCEL_GRACE_MS = 2_000;

/** @typedef {Record<string, any>} Json */
/** @typedef {(params: Json, context: {signal: AbortSignal}) => unknown} Handler */
/** @typedef {(level: "debug" | "info" | "warn" | "error", message: string) => void} Log */
/** @typedef {{resolve: (result: any) => void, reject: (error: Error) => void}} OpenCall */

const utf8 = new TextDecoder("utf-8", { fatal: true });

export class Connection {
  #output;
  #handlers;
  #log;
  #maxFrameBytes;
  #lastID = 0;
  #isClosed = false;
  /** Calls of ours that wait for an answer. @type {Map<number, OpenCall>} */
  #open = new Map();
  /** Calls of the peer that are being served. @type {Map<number | string, AbortController>} */
  #serving = new Map();
  /** @type {() => void} */
  #resolveClosed = () => {};

  /**
   * @param {import("node:stream").Readable} input
   * @param {import("node:stream").Writable} output
   * @param {object} parts
   * @param {Record<string, Handler>} parts.handlers what the peer may call
   * @param {Log} parts.log
   * @param {number} [parts.maxFrameBytes]
   */
  constructor(input, output, { handlers, log, maxFrameBytes = MAX_FRAME_BYTES }) {
    this.#output = output;
    this.#handlers = new Map(Object.entries(handlers));
    this.#log = log;
    this.#maxFrameBytes = maxFrameBytes;
    /** Resolves once, when no further message can come. @type {Promise<void>} */
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const splitter = new FrameSplitter({
      limitBytes: maxFrameBytes,
      onFrame: (frame) => this.#receive(frame),
      onTooLarge: (error) => this.#refuse(PARSE_ERROR, `${error.message} and was skipped`),
    });
    input.on("data", (chunk) => splitter.push(chunk));
    input.on("end", () => this.close());
    input.on("close", () => this.close());
    for (const stream of [input, output]) {
      stream.on("error", (error) => {
        this.#log("debug", `the connection broke: ${error.message}`);
        this.close();
      });
    }
  }

  /**
   * The peer's result. A cancelled call waits `graceMs` for the peer to end it: a result that comes in that
   * time still counts, for what it tells of has been done.
   * @param {string} method
   * @param {Json} params
   * @param {{signal?: AbortSignal | undefined, timeoutMs?: number | undefined, graceMs?: number | undefined}} [limits]
   * @returns {Promise<any>}
   * @throws {RpcError | CallGivenUp | ConnectionClosed | FrameTooLarge}
   */
  async request(method, params, { signal, timeoutMs, graceMs = CANCEL_GRACE_MS } = {}) {
    if (signal?.aborted) throw new CallGivenUp("cancelled", { sent: false, answered: false });
    this.#lastID += 1;
    const id = this.#lastID;
    /** @type {"cancelled" | "timed out" | null} */
    let gaveUp = null;
    /** @type {(() => void)[]} */
    const cleanups = [() => this.#open.delete(id)];
    try {
      return await new Promise((resolve, reject) => {
        this.#open.set(id, { resolve, reject });
        /** @param {"cancelled" | "timed out"} why */
        const giveUp = (why) => {
          if (gaveUp) return;
          gaveUp = why;
          this.#send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id } });
          const unanswered = new CallGivenUp(why, { sent: true, answered: false, afterMs: timeoutMs });
          cleanups.push(later(graceMs, () => reject(unanswered)));
        };
        const cancel = () => giveUp("cancelled");
        signal?.addEventListener("abort", cancel, { once: true });
        cleanups.push(() => signal?.removeEventListener("abort", cancel));
        if (timeoutMs !== undefined) cleanups.push(later(timeoutMs, () => giveUp("timed out")));
        // Last, for an answer may come before this returns.
        this.#write({ jsonrpc: "2.0", id, method, params });
      });
    } catch (error) {
      if (gaveUp && error instanceof RpcError && error.code === REQUEST_CANCELLED) {
        throw new CallGivenUp(gaveUp, { sent: true, answered: true, afterMs: timeoutMs });
      }
      throw error;
    } finally {
      for (const cleanup of cleanups) cleanup();
    }
  }

  /**
   * @param {string} method
   * @param {Json} params
   * @throws {ConnectionClosed | FrameTooLarge}
   */
  notify(method, params) {
    this.#write({ jsonrpc: "2.0", method, params });
  }

  /** Ends every open call with `ConnectionClosed` and aborts what is being served. Safe to call again. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const call of this.#open.values()) call.reject(new ConnectionClosed(true));
    for (const controller of this.#serving.values()) controller.abort();
    this.#open.clear();
    this.#serving.clear();
    this.#resolveClosed();
  }

  /** @param {Json} message */
  #write(message) {
    const frame = encodeFrame(message, this.#maxFrameBytes);
    if (this.#isClosed || !this.#output.writable) throw new ConnectionClosed(false);
    this.#output.write(frame);
  }

  /** Writes where nobody waits to hear that it failed. @param {Json} message */
  #send(message) {
    try {
      this.#write(message);
    } catch (error) {
      this.#log("debug", `not sent: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** @param {Buffer} frame */
  #receive(frame) {
    let message;
    try {
      message = JSON.parse(utf8.decode(frame));
    } catch {
      return this.#refuse(PARSE_ERROR, "the line is not JSON in UTF-8");
    }
    if (Array.isArray(message)) {
      return this.#refuse(INVALID_REQUEST, "batches are not supported: send one message a line");
    }
    if (!isObject(message)) return this.#refuse(INVALID_REQUEST, "a message must be a JSON object");
    if (!("method" in message) && ("result" in message || "error" in message)) return this.#settle(message);
    if (message.jsonrpc !== "2.0") {
      return this.#refuse(INVALID_REQUEST, 'not a JSON-RPC 2.0 message: `jsonrpc` must be "2.0"');
    }
    const { method, id } = message;
    if (typeof method !== "string") return this.#refuse(INVALID_REQUEST, "`method` must be a string");
    if (!("id" in message)) return this.#take(method, message.params);
    if (!Number.isInteger(id) && typeof id !== "string") {
      return this.#refuse(INVALID_REQUEST, "`id` must be an integer or a string");
    }
    if (this.#serving.has(id)) return this.#refuse(INVALID_REQUEST, `call ${id} is still being served`);
    void this.#serve(id, method, message.params ?? {});
  }

  /**
   * Says no to something that can't be told apart from anything: the answer's id is null.
   * @param {number} code
   * @param {string} sentence
   */
  #refuse(code, sentence) {
    this.#log("warn", `refused what the peer sent: ${sentence}`);
    this.#send({ jsonrpc: "2.0", id: null, error: { code, message: sentence } });
  }

  /** @param {Json} answer */
  #settle({ jsonrpc, id, result, error }) {
    const call = jsonrpc === "2.0" ? this.#open.get(id) : undefined;
    if (!call) {
      const what = isObject(error) ? `error ${error.code}: ${error.message}` : "a result";
      return this.#log("warn", `dropped an answer to no open call (id ${JSON.stringify(id)}): ${what}`);
    }
    if (error === undefined) return call.resolve(result);
    if (isObject(error) && Number.isInteger(error.code) && typeof error.message === "string") {
      return call.reject(new RpcError(error.code, error.message, error.data));
    }
    call.reject(new RpcError(INTERNAL_ERROR, "the answer was an error without a code and a message"));
  }

  /**
   * @param {string} method
   * @param {unknown} params
   */
  #take(method, params) {
    if (method !== "$/cancelRequest") return this.#log("debug", `no use for the notification ${method}`);
    // An id that isn't served any more is a race that the peer can't avoid.
    if (isObject(params)) this.#serving.get(params.id)?.abort();
  }

  /**
   * @param {number | string} id
   * @param {string} method
   * @param {unknown} params
   */
  async #serve(id, method, params) {
    const controller = new AbortController();
    this.#serving.set(id, controller);
    /** @type {Json} */
    let answer;
    try {
      const handler = this.#handlers.get(method);
      if (!handler) throw new RpcError(METHOD_NOT_FOUND, `there is no method ${method}`);
      if (!isObject(params)) throw new RpcError(INVALID_PARAMS, "`params` must be a JSON object");
      const result = (await handler(params, { signal: controller.signal })) ?? null;
      if (controller.signal.aborted) throw new RpcError(REQUEST_CANCELLED, "the call was cancelled");
      answer = { jsonrpc: "2.0", id, result };
    } catch (error) {
      answer = { jsonrpc: "2.0", id, error: this.#wireError(id, method, error, controller.signal) };
    }
    if (this.#isClosed) return;
    this.#serving.delete(id);
    try {
      this.#write(answer);
    } catch (error) {
      this.#send({ jsonrpc: "2.0", id, error: this.#wireError(id, method, error, controller.signal) });
    }
  }

  /**
   * The one place where an exception becomes something for the wire.
   * @param {number | string} id
   * @param {string} method
   * @param {unknown} error
   * @param {AbortSignal} signal
   */
  #wireError(id, method, error, signal) {
    if (signal.aborted) return { code: REQUEST_CANCELLED, message: "the call was cancelled" };
    if (error instanceof RpcError) return { code: error.code, message: error.message, data: error.data };
    if (error instanceof FrameTooLarge) {
      return { code: INTERNAL_ERROR, message: `the answer to call ${id} (${method}): ${error.message}` };
    }
    this.#log("error", `call ${id} (${method}): ${error instanceof Error ? error.stack : String(error)}`);
    const message = `call ${id} (${method}) failed in the plugin: OpenCode's log has the rest`;
    return { code: INTERNAL_ERROR, message };
  }
}

/**
 * @param {unknown} value
 * @returns {value is Json}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
