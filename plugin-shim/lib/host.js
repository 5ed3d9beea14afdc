/**
 * OpenCode 1.x, as far as the rest knows it: which instances are open, in which mode, and requests to it by its own
 * in-process fetch (in the TUI and in `opencode run` there is no other way in). A second host would stand beside it.
 * Never calls OpenCode by itself while a plugin initialises: that deadlocks.
 */
import { within } from "./deadline.js";
import { MANIFEST } from "./manifest.js";

const { toast, waitMs } = MANIFEST;

/** @typedef {"tui" | "run" | "serve" | "other"} Mode */
/** @typedef {"info" | "success" | "warning" | "error"} Variant */
/** @typedef {"debug" | "info" | "warn" | "error"} Level */
/** @typedef {(level: Level, message: string) => void} Log */
/** @typedef {{baseUrl: string, headers?: unknown, fetch: (request: Request) => Promise<Response>}} ClientConfig */

/**
 * One initialisation of the plugin: OpenCode makes one for each directory, and more on a reload.
 * @typedef {object} Instance
 * @property {string} directory
 * @property {string} worktree
 * @property {any} client OpenCode's own client, which all plugins of the instance share
 * @property {boolean} looksNew
 * @property {Set<string>} theirs commands of our names that the user has made: they stay as they are
 */

/**
 * @typedef {{headers?: unknown, body?: string | null | undefined, signal?: AbortSignal | undefined}} Content
 */

/** A sidecar that writes rubbish without end must not flood OpenCode's log. */
const LOG_LINES_AT_ONCE = 20;

const ACCEPTED = ["accept", "content-type"];

/**
 * In what OpenCode hands to a plugin: absent in 1.1.65 and 1.3.2, there in 1.14.48, 1.15.13 and 1.18.33. It tells an
 * old one without asking, for which there is no time before the hooks are taken.
 */
const SIGN_OF_A_NEW_OPENCODE = "experimental_workspace";

/** @type {Record<string, Mode>} */
const MODES = { run: "run", serve: "serve", web: "serve" }; // `web` opens a browser beside the server

export class Host {
  /** The newest last. @type {Set<Instance>} */
  #instances = new Set();
  #courtesyMs;
  #logging = 0;
  /** @type {string | null} */
  #version = null;

  /** @param {{argv?: string[] | undefined, courtesyMs?: number}} [parts] */
  constructor({ argv = process.argv, courtesyMs = waitMs.courtesy } = {}) {
    this.mode = modeOf(argv);
    this.#courtesyMs = courtesyMs;
  }

  /**
   * @param {unknown} input OpenCode's
   * @returns {Instance}
   */
  open(input) {
    const {
      directory = process.cwd(),
      worktree,
      client,
    } = /** @type {Record<string, unknown>} */ (input ?? {});
    const looksNew = SIGN_OF_A_NEW_OPENCODE in Object(input);
    const instance = {
      directory: String(directory),
      worktree: String(worktree ?? directory),
      client,
      looksNew,
      theirs: new Set(),
    };
    this.#instances.add(instance);
    return instance;
  }

  /**
   * @param {Instance} instance
   * @returns {boolean} whether it was open
   */
  close(instance) {
    return this.#instances.delete(instance);
  }

  /** All that are open, the newest last. */
  get instances() {
    return [...this.#instances];
  }

  /** OpenCode's version as it names it itself; null when it doesn't say, and then the next one to ask tries again. */
  async askVersion() {
    const instance = this.instances.at(-1);
    if (this.#version !== null || !instance) return this.#version;
    try {
      const asked = this.fetch(instance, "GET", "/global/health").then((response) => response.json());
      const health = /** @type {{version?: unknown}} */ (
        await within(asked, { timeoutMs: this.#courtesyMs })
      );
      if (typeof health.version === "string") this.#version = health.version;
    } catch (error) {
      this.log("info", `OpenCode did not tell its version: ${error}`);
    }
    return this.#version;
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
    const response = await this.fetch(instance, method, path, body === undefined ? {} : json(body));
    if (!response.ok) throw new Error(`OpenCode answered ${response.status} to ${method} ${path}`);
    return response.json();
  }

  /**
   * Shows a toast, if there is a screen; never throws and never takes long.
   * @param {Instance} instance
   * @param {string} message
   * @param {Variant} variant
   */
  async toast(instance, message, variant) {
    const duration = Math.min(
      Math.max(toast.shortestMs, message.length * toast.characterMs),
      toast.longestMs,
    );
    try {
      await this.#post(instance, "/tui/show-toast", { title: toast.title, message, variant, duration });
    } catch (error) {
      this.log("info", `no toast (${error}) for: ${message}`);
    }
  }

  /**
   * A line for OpenCode's log, in the background. Goes nowhere when OpenCode takes none.
   * @type {Log}
   */
  log = (level, message) => {
    const instance = this.instances.at(-1);
    if (!instance || this.#logging >= LOG_LINES_AT_ONCE) return;
    this.#logging += 1;
    // Said twice: newer versions (seen in 1.18.33) don't write the service's name.
    const line = { service: "handoff-sidecar", level, message: `handoff-sidecar: ${message}` };
    this.#post(instance, "/log", line)
      .catch(() => {}) // a log that can't be written to can't be told of either
      .finally(() => {
        this.#logging -= 1;
      });
  };

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
   * @param {Instance} instance
   * @param {string} method
   * @param {string} path
   * @param {Content} [content]
   * @returns {Promise<Response>}
   */
  async fetch(instance, method, path, { headers, body, signal } = {}) {
    /** @type {ClientConfig} */
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

  /**
   * What is a courtesy must not hold anything up.
   * @param {Instance} instance
   * @param {string} path
   * @param {object} content
   */
  #post(instance, path, content) {
    const asked = this.fetch(instance, "POST", path, json(content));
    return within(asked, { timeoutMs: this.#courtesyMs });
  }
}

/** @param {unknown} body */
const json = (body) => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/**
 * The TUI's plugins run in a worker of their own; for the rest the first word of the command line says it.
 * @param {string[]} argv
 * @returns {Mode}
 */
function modeOf(argv) {
  if (/[\\/]tui[\\/]worker\.(js|ts)$/.test(argv[1] ?? "")) return "tui";
  // Not simply the first word: `opencode -m some/model run` has a value before it.
  const [mode] = argv.slice(2).flatMap((word) => (Object.hasOwn(MODES, word) ? [MODES[word]] : []));
  return mode ?? (argv.slice(2).some((word) => !word.startsWith("-")) ? "other" : "tui");
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
