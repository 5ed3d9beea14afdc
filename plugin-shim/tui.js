/**
 * The companion: what only a plugin in OpenCode's screen can do for a handoff. A second plugin beside `index.js`, which
 * works as well without it: it decides nothing, and nobody waits for it.
 */
import { createElement, insert, setProp } from "@opentui/solid";
import { createEffect, createRenderEffect, createRoot, createSignal } from "solid-js";
import { Companion } from "./tui/companion.js";

const SHARED = Symbol.for("handoff-sidecar.companion");

/** Beside what OpenCode itself shows there. */
const ORDER = 50;

/**
 * For 1.x, from 1.15.13 on.
 * @param {any} api OpenCode's
 */
async function tui(api) {
  const shared = /** @type {Record<symbol, boolean>} */ (globalThis);
  if (shared[SHARED]) return; // a second copy, named by another path
  shared[SHARED] = true;
  const companion = new Companion(api, { createSignal });
  const stop = createRoot((dispose) => {
    createEffect(() => companion.look());
    return dispose;
  });
  api.lifecycle.onDispose(() => {
    stop();
    companion.leave();
    delete shared[SHARED];
  });
  api.slots.register({
    order: ORDER,
    slots: {
      /**
       * @param {any} context
       * @param {{session_id: string}} place
       */
      session_prompt_right(context, place) {
        const text = createElement("text");
        createRenderEffect(() => setProp(text, "fg", context.theme.current.textMuted));
        insert(text, () => companion.line(place.session_id));
        return text;
      },
    },
  });
}

/** For 2.x, which looks at this very path: there is nothing to be done yet. */
async function setup() {}

export default { id: "handoff-sidecar", tui, setup };
