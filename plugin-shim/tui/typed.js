/**
 * What of the typed text is a command of ours, and its way to the server half. Whatever is not quite so is OpenCode's, and
 * what nobody takes goes out as if there were no companion.
 */
import { quietly } from "./quietly.js";

/** A command stands alone in its line, as OpenCode takes it, too. */
const COMMAND = /^\/([a-z][a-z-]*)(?:[ \t]+(.*?))?[ \t]*$/;

/** A server half that is there takes a command within a few milliseconds. */
const ANSWER_MS = 300;

/**
 * @param {unknown} text
 * @param {string[]} names
 * @returns {{name: string, words: string} | null}
 */
export function commandIn(text, names) {
  if (typeof text !== "string" || text.includes("\n")) return null;
  const [, name = "", words = ""] = COMMAND.exec(text) ?? [];
  return names.includes(name) ? { name, words } : null;
}

/** @typedef {{text: string, session: string, command: {name: string, words: string}, disarm: () => void}} Sent */

/** The commands of one window. */
export class Commands {
  #api;
  #session;
  #say;
  /** @type {string[]} */
  #names = [];
  /** What the server half gave out last; good for one command. */
  #number = "";
  /** A command that waits for a number. @type {Sent | undefined} */
  #waiting;
  /** Those that were sent, by their numbers. @type {Map<string, Sent>} */
  #sent = new Map();

  /**
   * @param {any} api OpenCode's
   * @param {{session: () => string | null, say: (said: import("./wire.js").Said) => unknown}} window
   */
  constructor(api, { session, say }) {
    this.#api = api;
    this.#session = session;
    this.#say = say;
  }

  /** A number is for the session that the window showed then: there will be another. */
  changedSession() {
    this.#number = "";
  }

  /** @param {string} number @param {string[]} names */
  greeted(number, names) {
    this.#number = number;
    this.#names = names;
    this.#sendWaiting();
  }

  /**
   * Sends a command of ours, as soon as there is a number for it.
   * @param {unknown} text
   * @returns {boolean} false where there is no such command
   */
  send(text) {
    const command = commandIn(text, this.#names);
    const session = this.#session();
    if (!command || !session) return false;
    const isOnItsWay = [this.#waiting, ...this.#sent.values()].some((each) => each?.text === text);
    if (isOnItsWay) return true; // Enter was pressed twice
    const late = setTimeout(() => quietly(() => this.#usual(sent)), ANSWER_MS);
    const sent = { text: String(text), session, command, disarm: () => clearTimeout(late) };
    this.#waiting = sent;
    this.#sendWaiting();
    return true;
  }

  /** @param {string} number @returns {boolean} whether it was a command of this window's */
  taken(number) {
    const sent = this.#sent.get(number);
    if (!sent) return false;
    this.#sent.delete(number);
    sent.disarm();
    if (this.#editor?.plainText === sent.text) this.#api.keymap.dispatchCommand("prompt.clear");
    return true;
  }

  #sendWaiting() {
    const sent = this.#waiting;
    const number = this.#number;
    if (!sent || !number) return;
    this.#waiting = undefined;
    this.#number = "";
    this.#sent.set(number, sent);
    this.#say({ verb: "run", number, ...sent.command });
  }

  /** Nobody has taken it. @param {Sent} sent */
  #usual(sent) {
    if (this.#waiting === sent) this.#waiting = undefined;
    for (const [number, each] of this.#sent) if (each === sent) this.#sent.delete(number);
    if (this.#session() !== sent.session) return; // it would go out in a session that it wasn't typed in
    if (this.#editor?.plainText !== sent.text) this.#editor?.setText(sent.text);
    this.#api.keymap.dispatchCommand("prompt.submit");
  }

  get #editor() {
    return this.#api.renderer.currentFocusedEditor;
  }
}
