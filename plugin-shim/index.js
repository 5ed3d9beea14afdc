// @bun
/**
 * handoff-sidecar's plugin for OpenCode 1.x: the one export that both lines of OpenCode look at.
 *
 * One OpenCode process may initialise a plugin many times, and load two copies of it, perhaps of two versions.
 * They all share one sidecar, and the copy that is loaded first makes everybody's hooks.
 *
 * Bun does not transpile a file that begins with `// @bun`. All files here begin so, as OpenCode's start waits for them:
 * they take a third less time to load (3.6 in place of 5.7 ms, in the Bun of 1.18.34). They have to be plain JavaScript.
 */
import { MANIFEST } from "./lib/manifest.js";
import { Plugin } from "./lib/plugin.js";

const SHARED = Symbol.for("handoff-sidecar");

/**
 * 1.1.65 (Bun 1.3.9) ends at an export that is not a function, and 1.3.2 (1.3.11) skips it; 1.14.48 (1.3.13) and all
 * later ones take an object, and 2.x takes nothing else.
 */
const TAKES_FUNCTIONS_ONLY = /^1\.([0-2]\.|3\.(\d|1[0-2])$)/;

/**
 * For 1.x.
 * @param {import("./lib/host.js").Given | null} [input]
 * @param {unknown} [options]
 */
async function server(input, options) {
  const shared = /** @type {Record<symbol, Plugin | undefined>} */ (globalThis);
  shared[SHARED] ??= new Plugin();
  return shared[SHARED].open(input, options);
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
