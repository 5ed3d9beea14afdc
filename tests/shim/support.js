/** What the shim's tests share: pairs of streams, a host that records, fake sidecars, and waiting for a fact. */
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { Plugin } from "../../plugin-shim/lib/plugin.js";

export const SHARED = Symbol.for("handoff-sidecar.loaded");
export const INDEX = new URL("../../plugin-shim/index.js", import.meta.url);

/** A wait in vain should fail its test, on the slowest machine too. */
const WAIT_MS = 10_000;

export const noLog = () => {};

const FAKE = fileURLToPath(new URL("./fake-sidecar.js", import.meta.url));

/** A command that starts a fake sidecar. @param {string} behaviour */
export const fake = (behaviour) => [process.execPath, FAKE, behaviour];

/** The plugin holds no process alive: while a test waits for it, something else must. */
export function stayAlive() {
  /** @type {NodeJS.Timeout} */
  let timer;
  before(() => {
    timer = setInterval(() => {}, 1_000_000);
  });
  after(() => clearInterval(timer));
}

/**
 * The first truthy value.
 * @template T
 * @param {() => T} look
 * @returns {Promise<Exclude<T, false | 0 | "" | null | undefined>>}
 */
export async function until(look) {
  for (const end = Date.now() + WAIT_MS; Date.now() < end; ) {
    const found = look();
    if (found) return /** @type {any} */ (found);
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`waited ${WAIT_MS} ms in vain for ${look}`);
}

/**
 * What OpenCode hands to a plugin, with a server that answers by `answer` and keeps what it was asked.
 * @param {object} [parts]
 * @param {string} [parts.directory]
 * @param {(request: Request) => Response | Promise<Response>} [parts.answer]
 */
export function openCode({ directory = "/home/ada/projects/dashboard", answer = health } = {}) {
  /** @type {{method: string, path: string, headers: Headers, body: any, signal: AbortSignal}[]} */
  const asked = [];
  /** @param {Request} request */
  const fetch = async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.clone().text();
    const body = text === "" ? null : JSON.parse(text);
    const { method, headers, signal } = request;
    asked.push({ method, path: pathname + search, headers, body, signal });
    return answer(request);
  };
  const getConfig = () => ({
    baseUrl: "http://localhost:4096",
    headers: { authorization: "Basic b3BlbmNvZGU6eA==", "x-opencode-directory": "elsewhere" },
    fetch,
  });
  const toasts = () => asked.filter(({ path }) => path === "/tui/show-toast").map(({ body }) => body);
  const input = {
    directory,
    worktree: directory,
    client: { _client: { getConfig } },
    experimental_workspace: {},
  };
  return { asked, toasts, input };
}

/** @param {Request} request */
function health(request) {
  const isHealth = request.url.endsWith("/global/health");
  return Response.json(isHealth ? { healthy: true, version: "1.18.33" } : true);
}

/** @param {number} pid */
export function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export const MESSAGE = "msg_2074d8001001PlYkflxvLyRy2D";
export const PART = "prt_2074d800b001JIr75A9yjVMUx4";
export const SESSION = "ses_df8b2805fffehCtErImu2zOMIA";

/**
 * The plugin, attached, without the globals.
 * @param {string} behaviour
 * @param {ConstructorParameters<typeof Plugin>[0]} [parts]
 */
export function attached(behaviour, parts = {}) {
  const plugin = new Plugin({ argv: ["bun", "index.js", "run", "x"], ...parts });
  const host = openCode();
  const options = { command: fake(behaviour), flavour: "plain" };
  return { ...host, plugin, options, hooks: plugin.open(host.input, options) };
}

/** A message, as OpenCode hands it to a hook. @param {string} text */
export function typed(text, id = MESSAGE) {
  const part = { id: PART, sessionID: SESSION, messageID: id, type: "text", text };
  return {
    input: { sessionID: SESSION },
    output: { message: { id, sessionID: SESSION, role: "user" }, parts: [part] },
  };
}

/** What OpenCode tells a tool of its call. */
export const context = {
  sessionID: SESSION,
  messageID: MESSAGE,
  callID: "call_1",
  agent: "build",
  directory: "/somewhere/else",
  worktree: "/home/ada",
  abort: new AbortController().signal,
};

/**
 * What a request of the sidecar's is served with, where no window has a companion.
 * @param {import("../../plugin-shim/lib/host.js").Host} host
 */
export const tunnel = (host) => ({ host, lock: { forget() {} }, windows: { move: async () => null } });
