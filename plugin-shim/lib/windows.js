/**
 * The windows that have a companion (`tui.js`): what each shows, which of them moves, and the commands that it sends.
 * All of it is a courtesy: where none answers, everything is as it is without one.
 */
import { randomUUID } from "node:crypto";
import { TO_SERVER, TO_WINDOWS } from "../tui/wire.js";
import { within } from "./deadline.js";
import { MANIFEST } from "./manifest.js";
import { carryOut, ourCommands } from "./tools.js";

const SELECT = "/tui/select-session";

/** Names the session that the person is to be taken from; OpenCode does not look at it. */
const LEAVES = "x-handoff-leaves";

const SESSION = new RegExp(`^${MANIFEST.ids.session}$`);

/** @typedef {import("./host.js").Instance} Instance */
/** @typedef {{window: string, instance: Instance, session: string, model: string, number?: string}} Shown */

export class Windows {
  /** The one that was told of last is last. @type {Map<string, Shown>} */
  #open = new Map();
  /** What ends the wait for a window to move, by the move's id. @type {Map<string, (moved: unknown) => void>} */
  #moves = new Map();
  /** By directory and model: where OpenCode compacts, and where we hand off. @type {Map<string, any>} */
  #points = new Map();
  #plugin;

  /** @param {import("./plugin.js").Plugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** What no window of ours says is ignored. @param {Instance} instance @param {unknown} event */
  heard(instance, event) {
    const { verb, window, session, model, move, number, name, words } = TO_SERVER.read(event);
    const shown = this.#open.get(window);
    if (verb === "shows") this.#greet({ window, instance, session, model });
    else if (verb === "moved") this.#moves.get(move)?.(true);
    else if (verb === "run" && shown && shown.number === number && ourCommands(instance).includes(name))
      void this.#run(shown, name, String(words));
  }

  /** @param {string} directory @param {unknown} points */
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
   * The answer to a request of the sidecar's that would move every window; null where it is to go out after all. Only the
   * windows move that show the session that is left; where each shows another one, none does.
   * @param {import("./connection.js").Json} request
   */
  async instead({ path, headers, body }) {
    const from = headers?.[LEAVES];
    if (path !== SELECT || !from || this.#open.size === 0) return null;
    const left = [...this.#open.values()].filter(({ session }) => session === from);
    const move = randomUUID();
    const moved = new Promise((resolve) => this.#moves.set(move, resolve));
    const to = JSON.parse(body).sessionID;
    for (const { instance, window } of left)
      void this.say(instance, { verb: "move", window, move, from, to });
    try {
      if (left.length > 0) await within(moved, { timeoutMs: MANIFEST.waitMs.window });
      return { status: left.length > 0 ? 200 : 409, headers: {}, body: "true" };
    } catch {
      for (const { window } of left) this.#open.delete(window); // they are gone
      return null;
    } finally {
      this.#moves.delete(move);
    }
  }

  /** The number that it gets is good for one command. @param {Shown} shown */
  #greet({ window, instance, session, model }) {
    this.#open.delete(window);
    if (!SESSION.test(session)) return;
    const number = randomUUID();
    this.#open.set(window, { window, instance, session, model, number });
    const points = this.#points.get(instance.directory)?.[model];
    void this.say(instance, { verb: "hello", window, number, names: ourCommands(instance), points });
  }

  /** @param {Shown} shown @param {string} name @param {string} words */
  async #run(shown, name, words) {
    const { window, instance, session, number } = shown;
    void this.say(instance, { verb: "took", window, number });
    this.#greet(shown);
    await carryOut(this.#plugin, instance, { name, session, words });
    void this.say(instance, { verb: "done", window });
  }

  /** @param {Instance} instance @param {import("../tui/wire.js").Said} said */
  say(instance, said) {
    const asked = this.#plugin.host.ask(instance, "POST", "/tui/publish", TO_WINDOWS.write(said));
    return asked.catch((error) => this.#plugin.log("debug", `no window heard "${said.verb}": ${error}`));
  }
}

/** @param {import("./plugin.js").Plugin} plugin @param {Instance} instance */
export function windowHooks({ windows }, instance) {
  let isKnown = false;
  return {
    /** @param {{event: unknown}} input */
    event({ event }) {
      // Windows that were there before this half say once more what they show.
      if (!isKnown) void windows.say(instance, { verb: "who" });
      isKnown = true;
      windows.heard(instance, event);
    },
  };
}
