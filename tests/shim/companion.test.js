import assert from "node:assert/strict";
import { test } from "node:test";
import { Companion } from "../../plugin-shim/tui/companion.js";
import { lineOf, modelOf, usedBy } from "../../plugin-shim/tui/meter.js";
import { commandIn } from "../../plugin-shim/tui/typed.js";
import { TO_SERVER, TO_WINDOWS } from "../../plugin-shim/tui/wire.js";
import { stayAlive, until } from "./support.js";

stayAlive();

const NAMES = ["handoff-now", "handoff-resume"];
const STANDING = {
  wentTo: undefined,
  isLeaving: false,
  used: 0,
  compacts: 192_000,
  handsOff: null,
  columns: 120,
};

/** @param {any} value @returns {[() => any, (value: any) => void]} */
function createSignal(value) {
  const set = (/** @type {any} */ next) => {
    value = next;
  };
  return [() => value, set];
}

/** OpenCode's screen, as far as a companion looks at it. */
function screen({ session = "ses_a", sessions = /** @type {any} */ ({}), fails = false } = {}) {
  /** @type {any[]} */
  const said = [];
  /** @type {string[]} */
  const done = [];
  /** @type {any[]} */
  const layers = [];
  /** @type {(event: any) => void} */
  let hear = () => {};
  const editor = {
    plainText: "",
    /** @param {string} text */
    setText(text) {
      editor.plainText = text;
    },
  };
  const api = {
    route: {
      current: { name: "session", params: { sessionID: session } },
      navigate(/** @type {string} */ name, /** @type {any} */ params) {
        api.route.current = { name, params };
        companion.look();
      },
    },
    renderer: {
      width: 120,
      get currentFocusedEditor() {
        if (fails) throw new Error("no renderer");
        return editor;
      },
    },
    ui: { dialog: { open: false }, toast: (/** @type {any} */ toast) => done.push(toast.message) },
    keymap: {
      registerLayer: (/** @type {any} */ layer) => layers.push(layer),
      dispatchCommand(/** @type {string} */ name) {
        done.push(`${name}: ${editor.plainText}`);
        editor.plainText = "";
      },
    },
    event: {
      /** @param {string} _ @param {(event: any) => void} hears */
      on(_, hears) {
        hear = hears;
      },
    },
    lifecycle: { onDispose() {} },
    state: {
      session: {
        get: (/** @type {string} */ id) => sessions[id],
        messages: (/** @type {string} */ id) => sessions[id]?.messages ?? [],
        status: () => ({ type: "idle" }),
      },
      part: () => [],
    },
    client: {
      tui: { publish: async (/** @type {any} */ { body }) => void said.push(TO_SERVER.read(body)) },
      session: { get: async (/** @type {any} */ { sessionID }) => ({ data: sessions[sessionID] }) },
    },
  };
  const companion = new Companion(api, { createSignal });
  companion.look();
  const enter = () => layers[0].bindings[0].cmd();
  const entries = Object.fromEntries(
    layers[1].commands.map((/** @type {any} */ entry) => [entry.title, entry.run]),
  );
  /** @param {any} words */
  const hears = (words) => hear(TO_WINDOWS.write({ window: said[0].window, ...words }));
  const greeted = () => hears({ verb: "hello", number: "n1", names: NAMES });
  return { api, companion, editor, said, done, enter, entries, hears, greeted };
}

test("the meter is empty until a session nears its point, and then says what comes and when", () => {
  assert.equal(lineOf({ ...STANDING, used: 100_000 }), "");
  assert.equal(lineOf({ ...STANDING, used: 183_000 }), "compacts in 9k");
  assert.equal(lineOf({ ...STANDING, used: 151_000, handsOff: 160_000 }), "handoff in 9k");
  assert.equal(lineOf({ ...STANDING, used: 191_800 }), "compacts soon");
  assert.equal(lineOf({ ...STANDING, used: 250_000 }), "compacts soon");
  assert.equal(lineOf({ ...STANDING, used: 250_000, compacts: null }), "");
});

test("a handoff that is under way, and where it led, come before how full the session is", () => {
  const full = { ...STANDING, used: 190_000 };
  assert.equal(lineOf({ ...full, isLeaving: true }), "handing off …");
  assert.equal(lineOf({ ...full, wentTo: "Handoff: Build the login" }), "→ Handoff: Build the login");
  assert.equal(lineOf({ ...full, wentTo: "Handoff: Build the login", columns: 60 }), "→ Handoff: Build…");
});

test("tokens are counted as OpenCode counts them, and not at all after a compaction", () => {
  const step = { role: "assistant", tokens: { input: 10, output: 5, cache: { read: 100, write: 1 } } };
  const model = { providerID: "scripted", modelID: "m1" };
  assert.equal(usedBy([step]), 116);
  assert.equal(usedBy([{ ...step, tokens: { ...step.tokens, total: 200 } }]), 200);
  assert.equal(usedBy([step, { ...step, summary: true }]), 0);
  assert.equal(usedBy([step, { role: "assistant", tokens: { input: 0, output: 0 } }]), 116);
  assert.equal(usedBy([]), 0);
  assert.equal(modelOf([{ role: "user", model }, step]), "scripted/m1");
  assert.equal(modelOf([]), "");
});

test("only a line that is nothing but a command of ours is one", () => {
  assert.deepEqual(commandIn("/handoff-now", NAMES), { name: "handoff-now", words: "" });
  assert.deepEqual(commandIn("/handoff-now  mend it, please ", NAMES), {
    name: "handoff-now",
    words: "mend it, please",
  });
  for (const text of [
    "/handoff",
    "/handoff-nowx",
    " /handoff-now",
    "/handoff-now a\nb",
    "say /handoff-now",
    "",
    undefined,
  ])
    assert.equal(commandIn(text, NAMES), null, text);
});

test("a command is sent with the number that was given out, once, and the box is cleared when it was taken", () => {
  const { editor, said, done, enter, hears, greeted, companion } = screen();
  greeted();
  editor.plainText = "/handoff-now mend the docs";
  assert.equal(enter(), true);
  const { verb, number, name, words } = said.at(-1);
  assert.deepEqual(
    { verb, number, name, words },
    { verb: "run", number: "n1", name: "handoff-now", words: "mend the docs" },
  );
  assert.equal(enter(), true, "it is on its way");
  assert.equal(said.filter((each) => each.verb === "run").length, 1);
  hears({ verb: "took", number: "n1" });
  assert.deepEqual(done, ["prompt.clear: /handoff-now mend the docs"]);
  assert.equal(companion.line("ses_a"), "handing off …");
  hears({ verb: "done" });
  assert.equal(companion.line("ses_a"), "");
});

test("a command that is typed before the next number has come is sent as soon as it has", async () => {
  const { editor, said, done, enter, hears, greeted } = screen();
  greeted();
  editor.plainText = "/handoff-now";
  enter();
  hears({ verb: "took", number: "n1" });
  editor.plainText = "/handoff-resume";
  assert.equal(enter(), true);
  hears({ verb: "hello", number: "n2", names: NAMES });
  assert.deepEqual(
    said.filter(({ verb }) => verb === "run").map(({ number, name }) => [number, name]),
    [
      ["n1", "handoff-now"],
      ["n2", "handoff-resume"],
    ],
  );
  hears({ verb: "took", number: "n2" });
  editor.plainText = "/handoff-now again";
  assert.equal(enter(), true, "and where none comes, it goes out as usual");
  await until(() => done.some((each) => each === "prompt.submit: /handoff-now again"));
});

test("a command that nobody takes goes out as usual", async () => {
  const { editor, done, enter, greeted } = screen();
  greeted();
  editor.plainText = "/handoff-now";
  assert.equal(enter(), true);
  await until(() => done.length > 0);
  assert.deepEqual(done, ["prompt.submit: /handoff-now"]);
});

test("without a server half, in a dialog, with other text, and where all fails, Enter is not ours", () => {
  const { api, editor, enter, greeted } = screen();
  editor.plainText = "/handoff-now";
  assert.equal(enter(), false, "nobody has said hello");
  greeted();
  api.ui.dialog.open = true;
  assert.equal(enter(), false, "a dialog is open");
  api.ui.dialog.open = false;
  editor.plainText = "hello";
  assert.equal(enter(), false, "it is a message");
  const broken = screen({ fails: true });
  broken.greeted();
  assert.equal(broken.enter(), false, "it throws");
});

test("only the window that shows the old session moves, and its draft stays behind", async () => {
  const { api, editor, said, done, hears } = screen({ sessions: { ses_a: {}, ses_b: {} } });
  editor.plainText = "half typed";
  hears({ verb: "move", move: "m1", from: "ses_x", to: "ses_b" });
  assert.notEqual(said.at(-1).verb, "moved");
  assert.equal(api.route.current.params.sessionID, "ses_a");
  hears({ verb: "move", move: "m2", from: "ses_a", to: "ses_b" });
  assert.deepEqual(
    said.filter(({ verb }) => verb === "moved").map(({ move }) => move),
    ["m2"],
  );
  assert.equal(api.route.current.params.sessionID, "ses_b");
  assert.deepEqual(done, ["prompt.clear: half typed"]);
  api.route.navigate("session", { sessionID: "ses_a" });
  await until(() => editor.plainText === "half typed");
});

test("what is attached is not taken out of the box: it could not be put back", () => {
  const { editor, done, hears } = screen({ sessions: { ses_b: {} } });
  editor.plainText = "[Pasted ~12 lines] what is this?";
  hears({ verb: "move", move: "m1", from: "ses_a", to: "ses_b" });
  assert.deepEqual(done, []);
  assert.equal(editor.plainText, "[Pasted ~12 lines] what is this?");
});

test("the palette leads back and forth, and says where there is no way", async () => {
  const sessions = {
    ses_a: { metadata: { handoff: { to: "ses_b", of: "ses_a" } } },
    ses_b: { title: "Handoff: A", metadata: { handoff: { from: "ses_a", to: "ses_gone", of: "ses_b" } } },
  };
  const { api, companion, done, entries } = screen({ sessions });
  assert.equal(companion.line("ses_a"), "→ Handoff: A");
  await entries["On to the session that this was handed off to"]();
  assert.equal(api.route.current.params.sessionID, "ses_b");
  await entries["On to the session that this was handed off to"]();
  assert.deepEqual(done, ["That session no longer exists."]);
  await entries["Back to the session that this came from"]();
  assert.equal(api.route.current.params.sessionID, "ses_a");
  await entries["Back to the session that this came from"]();
  assert.equal(done.at(-1), "This session does not come from a handoff.");
});

test("on the home screen there is nothing to hand off, and that is said", () => {
  const { api, done, entries } = screen();
  api.route.current = /** @type {any} */ ({ name: "home" });
  entries["Hand off"]();
  entries["Hand off now, without asking the model"]();
  assert.deepEqual(done, ["There is nothing to hand off.", "There is nothing to hand off."]);
});

test("strangers on the bus change nothing", () => {
  const { api, companion, enter, editor, hears } = screen({ sessions: { ses_a: {} } });
  hears({ verb: "hello", window: "another", number: "n1", names: NAMES });
  hears({ verb: "explode" });
  editor.plainText = "/handoff-now";
  assert.equal(enter(), false);
  assert.equal(companion.line("ses_a"), "");
  assert.deepEqual(
    TO_WINDOWS.read({ type: "tui.command.execute", properties: { command: "handoff-sidecar<{" } }),
    {},
  );
  assert.deepEqual(
    TO_WINDOWS.read({ type: "tui.command.execute", properties: { command: "session.list" } }),
    {},
  );
  assert.deepEqual(TO_WINDOWS.read(undefined), {});
  assert.equal(api.route.current.params.sessionID, "ses_a");
});
