// @bun
/**
 * What the plugin's two halves say to each other: the server half, and the companion in each window. They share no
 * memory, and under `opencode attach` not even a process, so it travels as an event of OpenCode's own that means
 * nothing to anybody else. Every client of the server can read it, and send it: known verbs and ids, and no prompts.
 */

const TYPE = "tui.command.execute";

/** @typedef {{verb: string, [field: string]: unknown}} Said */

/** @param {string} mark with which everything that is said in one direction begins */
const direction = (mark) => ({
  /** @param {Said} said */
  write: (said) => ({ type: TYPE, properties: { command: mark + JSON.stringify(said) } }),

  /**
   * What an event says; of one that says nothing, which may hold anything, nothing.
   * @param {any} event
   * @returns {any}
   */
  read(event) {
    const text = String(event?.properties?.command);
    if (event?.type !== TYPE || !text.startsWith(mark)) return {};
    try {
      return Object(JSON.parse(text.slice(mark.length)));
    } catch {
      return {};
    }
  },
});

export const TO_SERVER = direction("handoff-sidecar>");
export const TO_WINDOWS = direction("handoff-sidecar<");
