// @bun
/**
 * handoff-sidecar's plugin for OpenCode 1.x: the one export that both lines of OpenCode look at, and what OpenCode gets at
 * once. Its start waits for this file: the rest is loaded in the next turn of its loop, and a hook that is called before
 * waits for that.
 *
 * One OpenCode process may initialise a plugin many times, and load two copies of it, perhaps of two versions.
 * They all share one sidecar, and the copy that is loaded first makes everybody's hooks.
 *
 * Bun does not transpile a file that begins with `// @bun`. All files here begin so: they take a third less time to load.
 * They have to be plain JavaScript.
 */
import { emptied, fill, MANIFEST, nameCommands, toolsOf, unnameCommands } from "./lib/manifest.js";

/** @typedef {import("./lib/plugin.js").Plugin} Plugin */
/** @typedef {import("./lib/opencode.js").Given} Given */
/** @typedef {import("./lib/opencode.js").Hooks} Hooks */

const SHARED = Symbol.for("handoff-sidecar.loaded");
const TOLD = Symbol.for("handoff-sidecar.marks-prompts");

/**
 * 1.1.65 (Bun 1.3.9) ends at an export that is not a function, and 1.3.2 (1.3.11) skips it; 1.14.48 (1.3.13) and all
 * later ones take an object, and 2.x takes nothing else.
 */
const TAKES_FUNCTIONS_ONLY = /^1\.([0-2]\.|3\.(\d|1[0-2])$)/;

/** What OpenCode calls, and may wait for. */
const HOOKS = /** @type {const} */ ([
  "event",
  "dispose",
  "chat.message",
  "command.execute.before",
  "tool.definition",
  "tool.execute.before",
  "experimental.chat.messages.transform",
  "experimental.session.compacting",
  "experimental.compaction.autocontinue",
]);

/**
 * For 1.x.
 * @param {Given | null} [input]
 * @param {unknown} [options]
 * @returns {Promise<Hooks>}
 */
async function server(input, options) {
  const shared = /** @type {Record<symbol, Promise<Plugin> | undefined>} */ (globalThis);
  shared[SHARED] ??= load();
  const loaded = shared[SHARED];
  const given = /** @type {Hooks} */ ({});
  const tools = loaded.then((plugin) => ({ ...plugin.open(input, options, given).tool }));
  const opened = tools.catch((error) => giveUp(given, input, error));
  // What another plugin prompts before the rest is loaded waits for it, to be marked: it would pass for a person's.
  const requests = input?.client?._client?.interceptors?.request;
  if (!requests?.[TOLD])
    requests?.use?.((request, options) =>
      loaded.then(({ host }) => host.marked(request, options)).catch(() => request),
    );
  if (requests) requests[TOLD] = true;
  // An old OpenCode would fail at the tools: it gets nothing until the sidecar has said that it isn't one.
  if (!(MANIFEST.signOfANewOpenCode in Object(input))) return given;
  const hooks = /** @type {Record<string, Function | undefined>} */ (/** @type {unknown} */ (given));
  for (const name of HOOKS)
    hooks[name] = (/** @type {unknown[]} */ ...args) => opened.then(() => hooks[name]?.(...args));
  given.tool = toolsOf(async (name, ...args) => (await tools)[name].execute(...args));
  // The one hook that does not wait, as OpenCode's start would; what it throws the other one logs.
  given.config = (config) => {
    void opened.then(() => (given.config ? given.config(config) : unnameCommands(config)));
    return new Promise((resolve) => resolve(nameCommands(config))).catch(() => {});
  };
  return given;
}

/** After the turn of OpenCode's loop that is under way. */
async function load() {
  await new Promise((resolve) => setTimeout(resolve));
  const { Plugin } = await import("./lib/plugin.js").catch((error) => {
    Reflect.deleteProperty(globalThis, SHARED); // another copy, or a later initialisation, may have better luck
    throw new Error(fill(MANIFEST.sentences.unloadable, { error }));
  });
  return new Plugin();
}

/**
 * Without the rest of the plugin OpenCode goes on as without any of it, and the person is told why.
 * @param {Hooks} given
 * @param {Given | null | undefined} input
 * @param {Error} error
 */
function giveUp(given, input, { message }) {
  emptied(given);
  const body = { title: MANIFEST.toast.title, message, variant: "error" };
  const tell = () => input?.client?.tui?.showToast?.({ body }).catch(() => {});
  setTimeout(tell, MANIFEST.waitMs.notice).unref?.();
}

/**
 * For 2.x, where there is nothing to be done yet. 1.x calls it too from 1.17.19 on, with a context of less.
 * @param {unknown} context
 */
async function setup(context) {
  const { tool, session } = /** @type {Record<string, unknown>} */ (context ?? {});
  // biome-ignore lint/suspicious/noConsole: 2.x hands out no log of its own
  if (tool && session) console.warn(MANIFEST.sentences.otherLine);
}

const definition = { id: "handoff-sidecar", server, setup };

export default TAKES_FUNCTIONS_ONLY.test(process.versions.bun ?? "")
  ? Object.assign(server, definition)
  : definition;
