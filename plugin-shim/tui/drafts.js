/**
 * What is half typed in each session that this window was taken from: OpenCode would take it along into the next one.
 */

/** The next session's input box is there about 50 ms after the screen has moved; looked for again until then. */
const LOOKS_MS = [60, 120, 240, 480];

/** What is pasted or attached stands in the text as a placeholder only, and would be lost: it moves along as usual. */
const PLACEHOLDER = /\[(?:Image|Pasted|File|PDF|SVG)\b/i;

export class Drafts {
  /** @type {Map<string, string>} */
  #kept = new Map();
  #api;

  /** @param {any} api OpenCode's */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Takes what is half typed out of the input box and keeps it.
   * @param {string} session
   * @returns {boolean} whether the box is empty now
   */
  keep(session) {
    const text = this.#editor()?.plainText ?? "";
    if (text.trim() === "") return true;
    if (PLACEHOLDER.test(text)) return false;
    this.#kept.set(session, text);
    this.#api.keymap.dispatchCommand("prompt.clear");
    return true;
  }

  /**
   * Puts it back, when the session's input box is there and empty.
   * @param {string} session
   */
  restore(session, looks = LOOKS_MS) {
    const [pauseMs, ...further] = looks;
    if (pauseMs === undefined || !this.#kept.has(session)) return;
    setTimeout(() => {
      const editor = this.#editor();
      const { name, params } = this.#api.route.current;
      if (name !== "session" || params?.sessionID !== session) return;
      if (editor?.plainText === "") {
        editor.setText(this.#kept.get(session));
        this.#kept.delete(session);
      } else this.restore(session, further);
    }, pauseMs);
  }

  #editor() {
    return this.#api.renderer.currentFocusedEditor;
  }
}
