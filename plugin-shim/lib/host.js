// @bun
/**
 * OpenCode 1.x, as far as the rest knows it: which instances are open, in which mode, and what is asked of it, by its own
 * in-process fetch (in the TUI and in `opencode run` there is no other way in). What it calls is in `hooks.js`, which
 * nothing else imports: a second host would stand beside these two.
 * Never calls OpenCode by itself while a plugin initialises: that deadlocks.
 */
import { within } from "./failures.js";
import { hooksOf } from "./hooks.js";
import { MANIFEST } from "./manifest.js";
import { mark, notMarked } from "./sessions.js";

const { toast, waitMs } = MANIFEST;

/** @typedef {"tui" | "run" | "serve" | "other"} Mode */
/** @typedef {"info" | "success" | "warning" | "error"} Variant */
/** @typedef {"debug" | "info" | "warn" | "error"} Level */
/** @typedef {(level: Level, message: string) => void} Log */
/** @typedef {{headers?: unknown, body?: string | null | undefined, signal?: AbortSignal | undefined}} Content */

/** @typedef {import("./opencode.js").Client} Client */
/** @typedef {import("./opencode.js").Given} Given */
/** @typedef {import("./opencode.js").Hooks} Hooks */

/**
 * One initialisation of the plugin: OpenCode makes one for each directory, and more on a reload.
 * @typedef {object} Instance
 * @property {string} directory
 * @property {string} worktree
 * @property {Client | undefined} client
 * @property {boolean} looksNew
 * @property {boolean} marksPrompts whether what other plugins prompt is known as such
 * @property {Hooks} given what OpenCode has been given
 * @property {Set<string>} theirs commands of our names that the user has made: they stay as they are
 */

/** A sidecar that writes rubbish without end must not flood OpenCode's log. */
const LOG_LINES_AT_ONCE = 20;

const ACCEPTED = ["accept", "content-type"];

/** @type {Record<string, Mode>} */
const MODES = { run: "run", serve: "serve", web: "serve" }; // `web` opens a browser beside the server

const PROMPTS = new RegExp(`/session/(${MANIFEST.ids.session})/(?:prompt_async|message|command)$`);

/** A longer prompt is not taken apart: its session is remembered instead, until its message arrives. */
const MOST_CHARACTERS = 256_000;

/** Clients that have been told, as several copies of the plugin may get the same one. */
const TOLD = Symbol.for("handoff-sidecar.marks-prompts");

export class Host {
  /** All that are open, the newest last. @type {Instance[]} */
  instances = [];
  #courtesyMs;
  #logging = 0;

  /** @param {{argv?: string[] | undefined, courtesyMs?: number}} [parts] */
  constructor({ argv = process.argv, courtesyMs = waitMs.courtesy } = {}) {
    this.mode = modeOf(argv);
    this.#courtesyMs = courtesyMs;
  }

  /**
   * @param {Given | null} [input]
   * @param {Hooks} [given]
   * @returns {Instance}
   */
  open(input, given = /** @type {Hooks} */ ({})) {
    const { directory = process.cwd(), worktree = directory, client } = input ?? {};
    const instance = {
      directory: String(directory),
      worktree: String(worktree),
      client: client?._client,
      looksNew: MANIFEST.signOfANewOpenCode in Object(input),
      marksPrompts: marksPrompts(client?._client),
      theirs: new Set(),
      given,
    };
    this.instances.push(instance);
    return instance;
  }

  /**
   * @param {Instance} instance
   * @returns {boolean} whether it was open
   */
  close(instance) {
    const at = this.instances.indexOf(instance);
    return this.instances.splice(at, at === -1 ? 0 : 1).length > 0;
  }

  /** What OpenCode calls in an instance. */
  hooks = hooksOf;
  marked = marked;

  /**
   * @param {Instance} instance
   * @param {string} sessionID
   * @returns {Promise<import("./opencode.js").SessionInfo>}
   */
  session = async (instance, sessionID) => Object(await this.#ask(instance, "GET", `/session/${sessionID}`));

  /**
   * @param {Instance} instance
   * @param {string} path of a message
   * @returns {Promise<import("./opencode.js").Message>}
   */
  message = async (instance, path) => Object(await this.#ask(instance, "GET", path));

  /**
   * Lets every client of the server hear an event.
   * @param {Instance} instance
   * @param {object} event
   */
  publish = (instance, event) => this.#post(instance, "/tui/publish", event);

  /**
   * Shows a toast, if there is a screen; never throws and never takes long.
   * @param {Instance} instance
   * @param {string} message
   * @param {Variant} variant
   */
  async toast(instance, message, variant) {
    const readingMs = message.length * toast.characterMs;
    const duration = Math.min(Math.max(toast.shortestMs, readingMs), toast.longestMs);
    const shown = this.#post(instance, "/tui/show-toast", { title: toast.title, message, variant, duration });
    await shown.catch((error) => this.log("info", `no toast (${error}) for: ${message}`));
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
  async fetch({ client, directory }, method, path, { headers, body, signal } = {}) {
    if (!client) throw new Error("OpenCode has handed over no client");
    const { baseUrl, headers: theirs, fetch } = client.getConfig();
    const merged = new Headers(present(theirs));
    for (const [name, value] of Object.entries(present(headers))) {
      if (ACCEPTED.includes(name.toLowerCase())) merged.set(name, value);
    }
    merged.set("x-opencode-directory", encodeURIComponent(directory));
    const content = { ...(typeof body === "string" && { body }), ...(signal && { signal }) };
    return fetch(new Request(baseUrl.replace(/\/$/, "") + path, { method, headers: merged, ...content }));
  }

  /**
   * OpenCode's answer to a plain question.
   * @param {Instance} instance
   * @param {string} method
   * @param {string} path
   * @param {Content} [content]
   * @returns {Promise<unknown>}
   * @throws {Error} it could not be reached, or refused
   */
  async #ask(instance, method, path, content) {
    const response = await this.fetch(instance, method, path, content);
    if (!response.ok) throw new Error(`OpenCode answered ${response.status} to ${method} ${path}`);
    return response.json();
  }

  /**
   * What is a courtesy must not hold anything up.
   * @param {Instance} instance
   * @param {string} path
   * @param {object} body
   */
  #post(instance, path, body) {
    const content = { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return within(this.fetch(instance, "POST", path, content), { timeoutMs: this.#courtesyMs });
  }
}

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

/**
 * From now on each prompt that a plugin sends through this client is marked: no message of the TUI, of `opencode run` or
 * of another program passes there (seen in 1.15.13 and 1.18.34).
 * @param {Client | undefined} client
 * @returns {boolean} false where the client has no such place: its prompts count as a person's then
 */
export function marksPrompts(client) {
  const requests = client?.interceptors?.request;
  if (typeof requests?.use !== "function") return false;
  if (!requests[TOLD]) requests.use(marked);
  requests[TOLD] = true;
  return true;
}

/**
 * The request as it is sent. It must go out, whatever happens here.
 * @param {Request} request
 * @param {{serializedBody?: unknown}} [options]
 */
async function marked(request, options) {
  const sessionID = request.method === "POST" && PROMPTS.exec(new URL(request.url).pathname)?.[1];
  if (!sessionID) return request;
  try {
    const { length } = Object(options?.serializedBody);
    if (!((length ?? Number(request.headers.get("content-length"))) > MOST_CHARACTERS)) {
      const body = JSON.parse(await request.clone().text());
      if (mark(body.parts)) return new Request(request, { body: JSON.stringify(body) });
    }
  } catch {
    // What can't be read here OpenCode will refuse, with a reason.
  }
  notMarked(sessionID);
  return request;
}
