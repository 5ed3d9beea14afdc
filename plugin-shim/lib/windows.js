// @bun
/**
 * The windows that have a companion (`tui.js`): what each shows, which of them moves, and the commands that it sends.
 * All of it is a courtesy: where none answers, everything is as it is without one.
 */
import { TO_SERVER, TO_WINDOWS } from "../tui/wire.js";
import { carryOut, ourCommands } from "./calls.js";
import { within } from "./failures.js";
import { MANIFEST } from "./manifest.js";

const SESSION = new RegExp(`^${MANIFEST.ids.session}$`);

/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {{window: string, instance: Instance, session: string, model: string, number?: string}} Shown */

export class Windows {
  /** The one that was told of last is last. @type {Map<string, Shown>} */
  #open = new Map();
  /** What ends the wait for a window to move, by the move's id. @type {Map<unknown, () => void>} */
  #moves = new Map();
  /** By directory and model: where OpenCode compacts, and where we hand off. @type {Map<string, Record<string, unknown>>} */
  #points = new Map();
  /** Instances whose windows were asked what they show: some may have been there before. @type {WeakSet<Instance>} */
  #asked = new WeakSet();
  #plugin;

  /** @param {import("./plugin.js").Plugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** What no window of ours says is ignored. @param {Instance} instance @param {unknown} event */
  heard(instance, event) {
    if (!this.#asked.has(instance)) this.#say(instance, { verb: "who" });
    this.#asked.add(instance);
    const { verb, window, session, model, move, number, name, words } = TO_SERVER.read(event);
    const shown = this.#open.get(window);
    if (verb === "shows") this.#greet({ window, instance, session, model });
    else if (verb === "moved") this.#moves.get(move)?.();
    else if (verb === "run" && shown && shown.number === number && ourCommands(instance).includes(name))
      void this.#run(shown, name, String(words));
  }

  /** @param {string} directory @param {Record<string, unknown>} points */
  setPoints(directory, points) {
    this.#points.set(directory, points);
    for (const shown of [...this.#open.values()])
      if (shown.instance.directory === directory) this.#greet(shown);
  }

  /**
   * Where the person is, for a call in a session: there, if any window shows it.
   * @param {string} session
   * @param {string | null} active the session of the person's newest message
   */
  active(session, active) {
    const shown = [...this.#open.values()].map((each) => each.session);
    return active === session || shown.includes(session) ? session : (shown.at(-1) ?? active);
  }

  /**
   * Takes the person from one session to another: only the windows move that show the one that is left; where each shows
   * another one, none does.
   * @param {{from: unknown, to: unknown}} sessions
   * @returns {Promise<boolean | null>} whether any did; null where OpenCode is to do it
   */
  async move({ from, to }) {
    if (!from || this.#open.size === 0) return null;
    const left = [...this.#open.values()].filter(({ session }) => session === from);
    if (left.length === 0) return false;
    const move = crypto.randomUUID();
    /** @type {Promise<true>} */
    const moved = new Promise((resolve) => this.#moves.set(move, () => resolve(true)));
    for (const { instance, window } of left) this.#say(instance, { verb: "move", window, move, from, to });
    const limits = { timeoutMs: MANIFEST.waitMs.window };
    const isMoved = await within(moved, limits).catch(() => null);
    this.#moves.delete(move);
    if (!isMoved) for (const { window } of left) this.#open.delete(window); // they are gone
    return isMoved;
  }

  /** The number that it gets is good for one command. @param {Shown} shown */
  #greet({ window, instance, session, model }) {
    this.#open.delete(window);
    if (!SESSION.test(session)) return;
    const number = crypto.randomUUID();
    this.#open.set(window, { window, instance, session, model, number });
    const points = this.#points.get(instance.directory)?.[model];
    this.#say(instance, { verb: "hello", window, number, names: ourCommands(instance), points });
  }

  /** @param {Shown} shown @param {string} name @param {string} words */
  async #run(shown, name, words) {
    const { window, instance, session, number } = shown;
    this.#say(instance, { verb: "took", window, number });
    this.#greet(shown);
    await carryOut(this.#plugin, instance, { name, session, words });
    this.#say(instance, { verb: "done", window });
  }

  /** In the background. @param {Instance} instance @param {import("../tui/wire.js").Said} said */
  #say(instance, said) {
    this.#plugin.host.publish(instance, TO_WINDOWS.write(said)).catch((error) => {
      this.#plugin.log("debug", `no window heard "${said.verb}": ${error}`);
    });
  }
}
