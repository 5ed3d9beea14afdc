/**
 * The pattern of messages that may be the trigger: the default one until the sidecar has told the person's own.
 * Knows nothing of messages.
 */

/** @typedef {{source: string, flags: string}} Pattern */

export class Trigger {
  #pattern;
  #isKnown = false;
  /** Resolves when the pattern is the sidecar's, or will stay as it is. @type {Promise<void>} */
  known;
  #settle = () => {};

  /** @param {Pattern} pattern the default one */
  constructor(pattern) {
    this.#pattern = compiled(pattern);
    this.known = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Whether `known` has resolved. */
  get isKnown() {
    return this.#isKnown;
  }

  /** @param {string} text */
  test(text) {
    return this.#pattern.test(text);
  }

  /**
   * @param {Pattern} pattern
   * @throws {Error} it is none; the one before stays
   */
  adopt(pattern) {
    this.#pattern = compiled(pattern);
  }

  /** Nothing more is to be waited for. */
  settle() {
    this.#isKnown = true;
    this.#settle();
  }
}

/** @param {Pattern} pattern */
function compiled({ source, flags }) {
  // With `g` or `y` a pattern remembers where it stopped, and every other message would be missed.
  return new RegExp(source, flags.replace(/[gy]/g, ""));
}
