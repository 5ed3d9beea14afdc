/**
 * The OpenCode side: which instances are open, in which mode, and requests to it by its own in-process fetch
 * (in the TUI and in `opencode run` there is no other way in).
 * Knows nothing of the sidecar's process, and never calls OpenCode by itself while a plugin initialises.
 */
import { isOfMessages, withoutContents } from "./attachments.js";
import { within } from "./deadline.js";
import { allowedPath } from "./endpoints.js";
import { HOST_UNREACHABLE, INVALID_PARAMS, RpcError } from "./errors.js";
import { modeOf } from "./mode.js";

/** @typedef {import("./connection.js").Json} Json */
/** @typedef {"info" | "success" | "warning" | "error"} Variant */

/**
 * One initialisation of the plugin: OpenCode makes one for each directory, and more on a reload.
 * @typedef {object} Instance
 * @property {string} directory
 * @property {string} worktree
 * @property {any} client OpenCode's own client
 */

/** What is a courtesy (a toast, a log line, the version) must not hold anything up. */
const COURTESY_MS = 2_000;

/** A sidecar that writes rubbish without end must not flood OpenCode's log. */
const LOG_LINES_AT_ONCE = 20;

const PASSED_ON = ["content-type", "x-next-cursor"];
const ACCEPTED = ["accept", "content-type"];

export class Host {
  /** The newest last. @type {Set<Instance>} */
  #instances = new Set();
  #courtesyMs;
  #logging = 0;
  /** @type {Promise<string | null> | null} */
  #version = null;

  /** @param {{argv?: string[], courtesyMs?: number}} [parts] */
  constructor({ argv = process.argv, courtesyMs = COURTESY_MS } = {}) {
    this.mode = modeOf(argv);
    this.#courtesyMs = courtesyMs;
  }

  /** @param {Instance} instance */
  register(instance) {
    this.#instances.add(instance);
  }

  /**
   * @param {Instance} instance
   * @returns {number} how many are left
   */
  unregister(instance) {
    this.#instances.delete(instance);
    return this.#instances.size;
  }

  /** @param {Instance} instance */
  isOpen(instance) {
    return this.#instances.has(instance);
  }

  /** The one opened last. @returns {Instance | undefined} */
  get newest() {
    return [...this.#instances].at(-1);
  }

  /**
   * Serves `http/request`.
   * @param {Json} params {directory, method, path, headers, body}
   * @param {{signal?: AbortSignal}} [context]
   * @throws {RpcError} ENDPOINT_REFUSED, HOST_UNREACHABLE, INVALID_PARAMS
   */
  async serve({ directory, method, path, headers, body }, { signal } = {}) {
    const target = allowedPath(method, path);
    if (body !== null && body !== undefined && typeof body !== "string") {
      throw new RpcError(INVALID_PARAMS, "http/request: `body` must be a string or null");
    }
    const instance = [...this.#instances].findLast((open) => open.directory === directory);
    // A directory that isn't open would make OpenCode open it, with another initialisation of everything.
    if (!instance) throw new RpcError(HOST_UNREACHABLE, `OpenCode has no project open in ${directory}`);
    try {
      const response = await this.#fetch(instance, method, target, { headers, body, signal });
      const text = isOfMessages(method, target)
        ? withoutContents(await response.arrayBuffer())
        : await response.text();
      const passedOn = PASSED_ON.flatMap((name) => {
        const value = response.headers.get(name);
        return value === null ? [] : [[name, value]];
      });
      return { status: response.status, headers: Object.fromEntries(passedOn), body: text };
    } catch (error) {
      this.log("warn", `${method} ${target} failed: ${error instanceof Error ? error.stack : error}`);
      const sentence = `OpenCode could not be reached for ${method} ${target}: its log has the reason`;
      throw new RpcError(HOST_UNREACHABLE, sentence);
    }
  }

  /** OpenCode's version as it names it itself, asked for once; null when it didn't say. @returns {Promise<string | null>} */
  async askVersion() {
    this.#version ??= this.#askVersion();
    const version = await this.#version;
    if (version === null) this.#version = null; // the next one to ask tries again
    return version;
  }

  async #askVersion() {
    if (!this.newest) return null;
    const asked = this.#fetch(this.newest, "GET", "/global/health").then((response) => response.json());
    try {
      const health = /** @type {any} */ (await within(asked, { timeoutMs: this.#courtesyMs }));
      return typeof health?.version === "string" ? health.version : null;
    } catch (error) {
      this.log("info", `OpenCode did not tell its version: ${error}`);
      return null;
    }
  }

  /**
   * OpenCode's own answer to a plain question, or to a change.
   * @param {Instance} instance
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<any>}
   * @throws {Error} it could not be reached, or refused
   */
  async ask(instance, method, path, body) {
    const response = await this.#fetch(instance, method, path, {
      ...(body !== undefined && {
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    if (!response.ok) throw new Error(`OpenCode answered ${response.status} to ${method} ${path}`);
    return response.json();
  }

  /**
   * Shows a toast, if there is a screen; never throws and never takes long.
   * @param {Instance} instance
   * @param {string} title
   * @param {string} message
   * @param {Variant} variant
   */
  async toast(instance, title, message, variant) {
    try {
      const shown = this.#fetch(instance, "POST", "/tui/show-toast", {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ title, message, variant, duration: readingMs(message) }),
      });
      await within(shown, { timeoutMs: this.#courtesyMs });
    } catch (error) {
      this.log("info", `no toast (${error}) for: ${title}: ${message}`);
    }
  }

  /**
   * The end of `opencode run`, whose one command has been carried out: it would report the hook's throw as an
   * unexpected error and exit with 1 (seen in 1.18.33).
   * @param {string} message
   * @param {boolean} isDone
   */
  leave(message, isDone) {
    // Not to stdout, where the caller may expect JSON.
    process.stderr.write(`${message}\n`, () => process.exit(isDone ? 0 : 1));
    return new Promise(() => {});
  }

  /**
   * A line for OpenCode's log, in the background. Goes nowhere when OpenCode takes none.
   * @param {"debug" | "info" | "warn" | "error"} level
   * @param {string} message
   */
  log(level, message) {
    const instance = this.newest;
    if (!instance || this.#logging >= LOG_LINES_AT_ONCE) return;
    this.#logging += 1;
    const written = this.#fetch(instance, "POST", "/log", {
      headers: { "content-type": "application/json" },
      // Said twice: newer versions (seen in 1.18.33) don't write the service's name.
      body: JSON.stringify({ service: "handoff-sidecar", level, message: `handoff-sidecar: ${message}` }),
    });
    within(written, { timeoutMs: this.#courtesyMs })
      .catch(() => {}) // a log that can't be written to can't be told of either
      .finally(() => {
        this.#logging -= 1;
      });
  }

  /**
   * @param {Instance} instance
   * @param {string} method
   * @param {string} path
   * @param {{headers?: unknown, body?: string | null | undefined, signal?: AbortSignal | undefined}} [what]
   * @returns {Promise<Response>}
   */
  async #fetch(instance, method, path, { headers, body, signal } = {}) {
    const config = instance.client._client.getConfig();
    const merged = new Headers(present(config.headers));
    for (const [name, value] of Object.entries(present(headers))) {
      if (ACCEPTED.includes(name.toLowerCase())) merged.set(name, value);
    }
    merged.set("x-opencode-directory", encodeURIComponent(instance.directory));
    const request = new Request(config.baseUrl.replace(/\/$/, "") + path, {
      method,
      headers: merged,
      ...(typeof body === "string" && { body }),
      ...(signal && { signal }),
    });
    return config.fetch(request);
  }
}

/**
 * How long a toast stays, so that it can be read to its end: OpenCode's own 5 s are short for a sentence on what failed.
 * @param {string} message
 */
function readingMs(message) {
  return Math.min(Math.max(5_000, message.length * 60), 30_000);
}

/**
 * Headers may be an object of their own kind or a plain one, with holes.
 * @param {unknown} headers
 * @returns {Record<string, string>}
 */
function present(headers) {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers ?? {});
  return Object.fromEntries(entries.filter(([, value]) => typeof value === "string"));
}
