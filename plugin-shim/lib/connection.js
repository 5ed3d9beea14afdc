/**
 * One end of a JSON-RPC 2.0 conversation over a readable and a writable, one message a line, both sides
 * calling. Owns ids, open calls, cancellation, and the one place where exceptions become wire errors.
 * Knows nothing of OpenCode, of processes, or of what the methods mean.
 */
import { later, seconds, watch } from "./deadline.js";
import { CODES, Failure, RpcError } from "./failures.js";
import { encodeFrame, FrameSplitter } from "./frames.js";
import { MANIFEST } from "./manifest.js";

/** @typedef {Record<string, any>} Json */
/** @typedef {(params: Json, context: {signal: AbortSignal}) => unknown} Handler */
/** @typedef {import("./host.js").Log} Log */
/** @typedef {{resolve: (result: any) => void, reject: (error: Error) => void}} OpenCall */
/**
 * `graceMs`: how long the peer may take to end a call that was cancelled before it counts as stuck.
 * @typedef {{signal?: AbortSignal | undefined, timeoutMs?: number | undefined, graceMs?: number | undefined}} Limits
 */

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
  constructor(input, output, { handlers, log, maxFrameBytes = MANIFEST.maxFrameBytes }) {
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
      onTooLarge: (error) => this.#refuse(CODES.PARSE_ERROR, `${error.message} and was skipped`),
    });
    input.on("data", (chunk) => splitter.push(chunk));
    for (const name of ["end", "close"]) input.on(name, () => this.close());
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
   * @param {Limits} [limits]
   * @returns {Promise<any>}
   * @throws {RpcError | Failure} cancelled, late, stuck, died, tooLarge
   */
  async request(method, params, { signal, timeoutMs, graceMs = MANIFEST.waitMs.cancelGrace } = {}) {
    if (signal?.aborted) throw new Failure("cancelled");
    this.#lastID += 1;
    const id = this.#lastID;
    /** @type {"cancelled" | "late" | null} */
    let gaveUp = null;
    let [stopWatching, stopWaiting] = [() => {}, () => {}];
    try {
      return await new Promise((resolve, reject) => {
        this.#open.set(id, { resolve, reject });
        stopWatching = watch({ signal, timeoutMs }, (kind) => {
          if (gaveUp) return;
          gaveUp = kind;
          this.#send({ method: "$/cancelRequest", params: { id } });
          const unanswered = new Failure(kind === "late" ? "stuck" : kind, seconds(timeoutMs), true, false);
          stopWaiting = later(graceMs, () => reject(unanswered));
        });
        // Last, for an answer may come before this returns.
        this.#write({ id, method, params });
      });
    } catch (error) {
      const isEnded = error instanceof RpcError && error.code === CODES.REQUEST_CANCELLED;
      throw gaveUp && isEnded ? new Failure(gaveUp, seconds(timeoutMs), true, true) : error;
    } finally {
      this.#open.delete(id);
      stopWatching();
      stopWaiting();
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
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const call of this.#open.values()) call.reject(new Failure("died", {}, true));
    for (const controller of this.#serving.values()) controller.abort();
    this.#open.clear();
    this.#serving.clear();
    this.#resolveClosed();
  }

  /** @param {Json} message */
  #write(message) {
    const frame = encodeFrame({ jsonrpc: "2.0", ...message }, this.#maxFrameBytes);
    if (this.#isClosed || !this.#output.writable) throw new Failure("died");
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
      return this.#refuse(CODES.PARSE_ERROR, "the line is not JSON in UTF-8");
    }
    const invalid = whatIsWrong(message);
    if (invalid) return this.#refuse(CODES.INVALID_REQUEST, invalid);
    const { method, id, params } = message;
    if (method === undefined) return this.#settle(message);
    if (id === undefined) return this.#take(method, params);
    if (this.#serving.has(id)) return this.#refuse(CODES.INVALID_REQUEST, `call ${id} is still being served`);
    void this.#serve(id, method, params ?? {});
  }

  /**
   * Says no to something that can't be told apart from anything: the answer's id is null.
   * @param {number} code
   * @param {string} message
   */
  #refuse(code, message) {
    this.#log("warn", `refused what the peer sent: ${message}`);
    this.#send({ id: null, error: { code, message } });
  }

  /** @param {Json} answer */
  #settle({ id, result, error }) {
    const call = this.#open.get(id);
    if (!call) {
      const what = isObject(error) ? `error ${error.code}: ${error.message}` : "a result";
      return this.#log("warn", `dropped an answer to no open call (id ${JSON.stringify(id)}): ${what}`);
    }
    if (error === undefined) return call.resolve(result);
    call.reject(new RpcError(Number(error?.code), String(error?.message), error?.data));
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
    const { signal } = controller;
    /** @param {unknown} error */
    const failed = (error) => ({ id, error: this.#wireError(`call ${id} (${method})`, error, signal) });
    /** @type {Json} */
    let answer;
    try {
      const handler = this.#handlers.get(method);
      if (!handler) throw new RpcError(CODES.METHOD_NOT_FOUND, `there is no method ${method}`);
      if (!isObject(params)) throw new RpcError(CODES.INVALID_PARAMS, "`params` must be a JSON object");
      answer = { id, result: (await handler(params, { signal })) ?? null };
      signal.throwIfAborted();
    } catch (error) {
      answer = failed(error);
    }
    if (this.#isClosed) return;
    this.#serving.delete(id);
    try {
      this.#write(answer);
    } catch (error) {
      this.#send(failed(error));
    }
  }

  /**
   * The one place where an exception becomes something for the wire.
   * @param {string} call
   * @param {unknown} error
   * @param {AbortSignal} signal
   */
  #wireError(call, error, signal) {
    if (signal.aborted) return { code: CODES.REQUEST_CANCELLED, message: new Failure("cancelled").message };
    if (error instanceof RpcError) return { code: error.code, message: error.message, data: error.data };
    if (error instanceof Failure) {
      return { code: CODES.INTERNAL_ERROR, message: `the answer to ${call}: ${error.message}` };
    }
    this.#log("error", `${call}: ${error instanceof Error ? error.stack : String(error)}`);
    return {
      code: CODES.INTERNAL_ERROR,
      message: `${call} failed in the plugin: OpenCode's log has the rest`,
    };
  }
}

/**
 * Why it is neither a call, nor a notification, nor an answer; "" if it is one of them.
 * @param {unknown} message
 */
function whatIsWrong(message) {
  if (Array.isArray(message)) return "batches are not supported: send one message a line";
  if (!isObject(message)) return "a message must be a JSON object";
  if (message.jsonrpc !== "2.0") return 'not a JSON-RPC 2.0 message: `jsonrpc` must be "2.0"';
  if (message.method === undefined && ("result" in message || "error" in message)) return "";
  if (typeof message.method !== "string") return "`method` must be a string";
  const isID = message.id === undefined || Number.isInteger(message.id) || typeof message.id === "string";
  return isID ? "" : "`id` must be an integer or a string";
}

/**
 * @param {unknown} value
 * @returns {value is Json}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
