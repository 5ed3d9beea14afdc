/** When the sidecar is started, and how a person's own trigger words count before it is. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MANIFEST, Trigger } from "../../plugin-shim/lib/manifest.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { fake, openCode, stayAlive, until } from "./support.js";

stayAlive();

const { quiet, longestDelay } = MANIFEST.waitMs;
const MODEL = { providerID: "scripted", modelID: "m1" };
const GERMAN = { source: "^übergabe", flags: "iu" };

/** A plugin that counts its starts, of which each fails. @param {NodeJS.ProcessEnv} [env] */
function counted(env) {
  let started = 0;
  const spawn = /** @type {any} */ (
    () => {
      started += 1;
      throw new Error("spawned");
    }
  );
  const plugin = new Plugin({ argv: ["bun", "index.js", "serve"], spawn, ...(env && { env }) });
  const hooks = plugin.open(openCode().input, { command: ["sidecar"] });
  return { plugin, hooks, started: () => started };
}

/** What is due has run, and what that has made due: files are read in it, for which there is no condition. */
async function settled() {
  for (let round = 0; round < 200; round++) await new Promise(setImmediate);
}

/** @param {number} total */
const step = (total) => ({ role: "assistant", sessionID: "ses_1", tokens: { total }, ...MODEL });

/** @param {string} text @returns {[any, any]} */
const message = (text) => [
  { sessionID: "ses_1" },
  { message: { id: `msg_${text.length}` }, parts: [{ id: "prt_1", type: "text", text }] },
];

test("a message and its answer in a small session start no sidecar", async () => {
  const { hooks, started } = counted();
  await hooks["chat.message"](...message("please fix handoff.py"));
  const info = step(MANIFEST.smallSessionTokens - 1);
  await hooks.event({ event: { type: "message.updated", properties: { info } } });
  const messages = [
    { info: { id: "msg_1", role: "user", sessionID: "ses_1", model: MODEL }, parts: [] },
    { info: { ...info, finish: "stop" }, parts: [] },
  ];
  await hooks["experimental.chat.messages.transform"]({}, { messages });
  await hooks["tool.execute.before"]({ tool: "bash", sessionID: "ses_1", callID: "call_1" });
  await hooks["command.execute.before"]({ command: "review", sessionID: "ses_1" }, {});
  await hooks.event({ event: { type: "session.idle", properties: { sessionID: "ses_1" } } });
  await settled();
  assert.equal(started(), 0);
});

/** @type {[string, (hooks: import("../../plugin-shim/lib/opencode.js").Hooks) => Promise<unknown>][]} */
const needs = [
  ["a trigger", (hooks) => hooks["chat.message"](...message("handoff"))],
  ["a tool", (hooks) => hooks.tool.read_session.execute({}, {}).catch(() => {})],
  [
    "a command",
    (hooks) =>
      hooks["command.execute.before"]({ command: "handoff-now", sessionID: "ses_1" }, {}).catch(() => {}),
  ],
  [
    "a compaction",
    (hooks) => hooks["experimental.session.compacting"]({ sessionID: "ses_1" }, { context: [] }),
  ],
  [
    "a step of a session that is no longer small",
    (hooks) => {
      const info = step(MANIFEST.smallSessionTokens);
      return hooks.event({ event: { type: "message.updated", properties: { info } } });
    },
  ],
  [
    "a message that is deleted, which may be in the index",
    (hooks) => {
      const properties = { sessionID: "ses_1", messageID: "msg_1" };
      return hooks.event({ event: { type: "message.removed", properties } });
    },
  ],
  [
    "a request of one, before its first answer",
    (hooks) => {
      const info = { ...step(MANIFEST.smallSessionTokens), finish: "stop" };
      const user = { info: { id: "msg_1", role: "user", sessionID: "ses_1", model: MODEL }, parts: [] };
      const output = { messages: [{ info, parts: [] }, user] };
      return hooks["experimental.chat.messages.transform"]({}, output);
    },
  ],
];

for (const [what, happens] of needs) {
  test(`the sidecar is started for ${what}`, async () => {
    const { hooks, started } = counted();
    await happens(hooks);
    await until(() => started() === 1);
  });
}

test("it is started when OpenCode has been quiet for a while, and while it is at work only after the longest delay", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const idle = counted();
  const busy = counted();
  const event = { event: { type: "message.part.delta", properties: {} } };
  for (let passed = 0; passed < quiet - 1_000; passed += 1_000) {
    t.mock.timers.tick(1_000);
    await busy.hooks.event(event);
  }
  t.mock.timers.tick(999);
  await settled();
  assert.deepEqual([idle.started(), busy.started()], [0, 0]);
  t.mock.timers.tick(1);
  await settled();
  assert.deepEqual([idle.started(), busy.started()], [1, 0]);
  for (let passed = quiet; passed < longestDelay - 1_000; passed += 1_000) {
    await busy.hooks.event(event);
    t.mock.timers.tick(1_000);
  }
  await settled();
  assert.equal(busy.started(), 0);
  t.mock.timers.tick(1_000);
  await settled();
  assert.equal(busy.started(), 1);
});

test("a plugin that is closed before starts none, and one that is opened when it is up tells it of its folder", async () => {
  const closed = new Plugin({
    waitMs: { quiet: 0 },
    spawn: /** @type {any} */ (() => assert.fail("spawned")),
  });
  await closed.open(openCode().input, { command: ["sidecar"] }).dispose();

  const plugin = new Plugin({ argv: ["bun", "index.js", "serve"], waitMs: { quiet: 0 } });
  const step = { tokens: { total: 1_000 }, ...MODEL };
  const opened = ["/home/ada/one", "/home/ada/two"].map((directory) => {
    return { directory, hooks: plugin.open(openCode({ directory }).input, { command: fake("watches") }) };
  });
  for (const { directory } of opened) await until(() => plugin.sessions.isOfInterest(directory, step));
  const { directory, input } = {
    directory: "/home/ada/three",
    ...openCode({ directory: "/home/ada/three" }),
  };
  opened.push({ directory, hooks: plugin.open(input, {}) });
  await until(() => plugin.sessions.isOfInterest(directory, step));
  for (const { hooks } of opened) await hooks.dispose();
});

/** A home with settings, and with what a sidecar has left there of them. @param {object | null} left */
async function home(left) {
  const root = await mkdtemp(join(tmpdir(), "shim-"));
  const path = join(root, "config", "handoff.json");
  const states = join(
    root,
    process.platform === "darwin" ? "Library/Application Support" : "state",
    "handoff-sidecar",
  );
  await mkdir(join(root, "config"));
  await mkdir(states, { recursive: true });
  await writeFile(path, '{"trigger_words": ["übergabe"]}');
  const { size, mtimeMs } = await stat(path);
  if (left) {
    const text = JSON.stringify({ path, bytes: size, time: Math.floor(mtimeMs), ...GERMAN, ...left });
    await writeFile(join(states, "trigger.json"), text);
  }
  const state = join(root, "state");
  const env = {
    HOME: root,
    OPENCODE_CONFIG_DIR: join(root, "config"),
    XDG_STATE_HOME: state,
    LOCALAPPDATA: state,
  };
  return { root, env };
}

test("without settings of one's own the default trigger is known to be the right one", () => {
  const trigger = new Trigger({ OPENCODE_CONFIG_DIR: "/nowhere" });
  assert.deepEqual(
    [trigger.isKnown, trigger.test("handoff now"), trigger.test("please")],
    [true, true, false],
  );
});

test("a person's own words count before a sidecar is up, and start it", async () => {
  const { root, env } = await home({});
  const trigger = new Trigger(env);
  assert.deepEqual([trigger.isKnown, trigger.test("Übergabe bitte")], [true, true]);
  const { hooks, started } = counted(env);
  await hooks["chat.message"](...message("please fix it"));
  await settled();
  assert.equal(started(), 0);
  await hooks["chat.message"](...message("Übergabe bitte"));
  assert.equal(started(), 1);
  await rm(root, { recursive: true });
});

test("what was left of other settings, of older ones, or is rubbish does not count", async () => {
  for (const left of [null, { path: "/elsewhere" }, { bytes: 1 }, { time: 1 }, { source: "(" }]) {
    const { root, env } = await home(left);
    const trigger = new Trigger(env);
    assert.deepEqual([trigger.isKnown, trigger.test("handoff now")], [false, true], JSON.stringify(left));
    await rm(root, { recursive: true });
  }
});

test("where the words are not known the sidecar is started at once, and a message waits for them", async () => {
  const { root, env } = await home(null);
  const plugin = new Plugin({ argv: ["bun", "index.js", "run", "x"], env });
  const hooks = plugin.open(openCode().input, { command: fake("übergibt") });
  const [input, output] = /** @type {any} */ (message("Übergabe bitte"));
  await hooks["chat.message"](input, output);
  assert.deepEqual([output.parts.length, output.parts[1]?.text], [2, "call session_handoff: Übergabe bitte"]);
  await hooks.dispose();
  const without = new Plugin({ env }).open(openCode().input, { command: ["/nowhere/python"] });
  await without["chat.message"](...message("an ordinary message")); // which waits for no sidecar that can't be had
  await rm(root, { recursive: true });
});
