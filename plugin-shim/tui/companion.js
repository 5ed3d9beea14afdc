/**
 * One window's companion: says what the window shows, moves it, sends its commands, and knows what the meter shows.
 * Everything here can fail without a trace: the person then has what OpenCode gives them by itself.
 */

import { Drafts } from "./drafts.js";
import { lineOf, modelOf, usedBy } from "./meter.js";
import { quietly } from "./quietly.js";
import { Commands } from "./typed.js";
import { TO_SERVER, TO_WINDOWS } from "./wire.js";

/** Above OpenCode's own, its completion's and other plugins': one of those that throws takes the Enter with it (1.18.34). */
const PRIORITY = Number.MAX_SAFE_INTEGER;

/** After this the meter no longer believes that a command is under way: its end was lost. */
const LONGEST_MS = 60_000;

const KEY = "<leader>j";

export class Companion {
  #api;
  #window = crypto.randomUUID();
  #drafts;
  #said = "";
  #commands;
  #points;
  #setPoints;
  #leaving;
  #setLeaving;

  /**
   * @param {any} api OpenCode's
   * @param {{createSignal: (value: any) => [() => any, (value: any) => void]}} reactive solid-js
   */
  constructor(api, { createSignal }) {
    this.#api = api;
    this.#drafts = new Drafts(api);
    this.#commands = new Commands(api, {
      session: () => this.session,
      say: (said) => this.#say(said),
    });
    [this.#points, this.#setPoints] = createSignal([]);
    [this.#leaving, this.#setLeaving] = createSignal("");
    api.event.on("tui.command.execute", (/** @type {any} */ event) => quietly(() => this.#heard(event)));
    api.keymap.registerLayer({
      priority: PRIORITY,
      bindings: [{ key: "return", cmd: () => this.#entered() }],
    });
    api.keymap.registerLayer({
      commands: this.#entries(),
      bindings: [{ key: KEY, cmd: "handoff.back-and-forth" }],
    });
  }

  /** The session that the window shows. @returns {string | null} */
  get session() {
    const { name, params } = this.#api.route.current;
    return name === "session" ? (params?.sessionID ?? null) : null;
  }

  /** Says what the window shows, when that has changed; reads what it depends on. */
  look() {
    quietly(() => this.#look());
  }

  #look() {
    const session = this.session;
    const model = session ? modelOf(this.#api.state.session.messages(session)) : "";
    const said = `${session} ${model}`;
    if (said === this.#said) return;
    this.#said = said;
    this.#commands.changedSession();
    this.#setPoints([]);
    this.#say({ verb: "shows", session: session ?? undefined, model });
    if (session) this.#drafts.restore(session);
  }

  /** The window closes. */
  leave() {
    this.#say({ verb: "shows" });
  }

  /**
   * What stands beside the prompt of a session; reads what it depends on.
   * @param {string} id
   */
  line(id) {
    return quietly(() => this.#line(id)) ?? "";
  }

  /** @param {string} id */
  #line(id) {
    const { state, renderer } = this.#api;
    const messages = state.session.messages(id);
    const [compacts = null, handsOff = null] = this.#points();
    return lineOf({
      wentTo: this.#wentTo(id),
      isLeaving: this.#leaving() === id || isHandingOff(state, id, messages),
      used: usedBy(messages),
      compacts,
      handsOff,
      columns: renderer.width,
    });
  }

  /** @param {string} id */
  #mark(id) {
    return this.#api.state.session.get(id)?.metadata?.handoff ?? {};
  }

  /** The title of the session in which the work goes on, if it does. @param {string} id */
  #wentTo(id) {
    const { to, of = id, lifted } = this.#mark(id);
    if (!to || lifted || of !== id) return undefined;
    return this.#api.state.session.get(to)?.title ?? to;
  }

  #entries() {
    const entry = (
      /** @type {string} */ name,
      /** @type {string} */ title,
      /** @type {() => unknown} */ run,
    ) => ({
      name: `handoff.${name}`,
      title,
      category: "Handoff",
      namespace: "palette",
      run,
    });
    return [
      entry("hand-off", "Hand off", () => this.#submit("handoff")),
      entry(
        "hand-off-now",
        "Hand off now, without asking the model",
        () => this.#commands.send("/handoff-now") || this.#submit("/handoff-now"),
      ),
      entry("back", "Back to the session that this came from", () => this.#follow("from")),
      entry("on", "On to the session that this was handed off to", () => this.#follow("to")),
      entry("back-and-forth", "Back and forth between handoffs", () => this.#follow("to", "from")),
    ];
  }

  /** @param {("from" | "to")[]} ways the first that there is */
  async #follow(...ways) {
    const from = this.session;
    const mark = from ? this.#mark(from) : {};
    const to = ways.map((way) => mark[way]).find((id) => id);
    if (!from || !to) {
      const why = ways.includes("to")
        ? "This session was not handed off"
        : "This session does not come from a handoff";
      return this.#tell(`${why}.`);
    }
    const { data } = await this.#api.client.session.get({ sessionID: to }).catch(() => ({ data: null }));
    if (data) this.#move(from, to);
    else this.#tell("That session no longer exists.", "warning");
  }

  /** @param {string} message @param {string} [variant] */
  #tell(message, variant = "info") {
    this.#api.ui.toast({ title: "Handoff", message, variant });
  }

  /** What is half typed stays with the session that it was typed in. @param {string} from @param {string} to */
  #move(from, to) {
    this.#drafts.keep(from);
    this.#api.route.navigate("session", { sessionID: to });
  }

  /** Types a text and sends it as a person would, with the agent and the model that are chosen. @param {string} text */
  #submit(text) {
    const session = this.session;
    const editor = this.#editor();
    if (!session) return this.#tell("There is nothing to hand off.");
    if (!editor || !this.#drafts.keep(session)) return;
    editor.setText(text);
    this.#api.keymap.dispatchCommand("prompt.submit");
  }

  #editor() {
    return this.#api.renderer.currentFocusedEditor;
  }

  /** Enter. @returns {boolean} false where it is not ours, and goes the usual way */
  #entered() {
    return (
      quietly(() => !this.#api.ui.dialog.open && this.#commands.send(this.#editor()?.plainText)) ?? false
    );
  }

  /** @param {any} event */
  #heard(event) {
    const said = TO_WINDOWS.read(event);
    if (said.verb === "who") {
      this.#said = "";
      this.look();
    } else if (said.window === this.#window) this.#told(said);
  }

  /** @param {any} said */
  #told({ verb, number, names, points, move, from, to }) {
    if (verb === "hello") {
      this.#setPoints(points ?? []);
      this.#commands.greeted(number, names ?? []);
    } else if (verb === "move" && this.session === from) {
      this.#move(from, to);
      this.#say({ verb: "moved", move });
    } else if (verb === "took") this.#taken(number);
    else if (verb === "done") this.#setLeaving("");
  }

  /** @param {string} number */
  #taken(number) {
    if (!this.#commands.taken(number)) return;
    this.#setLeaving(this.session ?? "");
    setTimeout(() => this.#setLeaving(""), LONGEST_MS).unref?.();
  }

  /** @param {import("./wire.js").Said} said */
  async #say(said) {
    try {
      await this.#api.client.tui.publish({ body: TO_SERVER.write({ ...said, window: this.#window }) });
    } catch {
      // A server that is gone: OpenCode says so itself.
    }
  }
}

/**
 * Whether the turn that runs is one that hands off: the person has typed so, or the agent is at it.
 * @param {any} state
 * @param {string} id
 * @param {any[]} messages
 */
function isHandingOff(state, id, messages) {
  if (state.session.status(id)?.type !== "busy") return false;
  const turn = messages.slice(messages.findLastIndex(({ role }) => role === "user"));
  return turn.some((message) =>
    state
      .part(message.id)
      .some(
        (/** @type {any} */ part) =>
          part.metadata?.handoff?.typed ||
          (part.tool === "session_handoff" && part.state?.status === "running"),
      ),
  );
}
