import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readManifest } from "../../plugin-shim/lib/manifest.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { Commands } from "../../plugin-shim/lib/registration.js";
import { standIns } from "../../plugin-shim/lib/standins.js";
import { attach, fake, INDEX, openCode, SHARED, stayAlive, until } from "./support.js";

stayAlive();

const manifest = readManifest();
const AN_HOUR_MS = 3_600_000;

/**
 * Stand-ins, and what the hooks that are loaded have seen: each has its name and what it was given noted.
 * @param {Partial<Parameters<typeof standIns>[0]>} [parts]
 */
function early(parts = {}) {
  /** @type {[string, ...any[]][]} */
  const seen = [];
  const names = [
    "chat.message",
    "command.execute.before",
    "event",
    "experimental.chat.messages.transform",
    "tool.definition",
    "tool.execute.before",
    "dispose",
  ];
  /** @type {any} */
  const real = Object.fromEntries(
    names.map((name) => [name, async (/** @type {any[]} */ ...args) => void seen.push([name, ...args])]),
  );
  real.tool = { session_handoff: { execute: async () => ({ output: "Handed off." }) } };
  /** @type {AbortSignal[]} */
  const signals = [];
  const load = async (/** @type {AbortSignal} */ closed) => {
    signals.push(closed);
    return real;
  };
  const commands = new Commands(manifest.commands);
  const delayMs = AN_HOUR_MS;
  const hooks = standIns({ manifest, commands, load, hasOwnWords: false, delayMs, ...parts });
  return { hooks, real, seen, signals, loads: () => signals.length };
}

/** @param {string} text */
const message = (text, synthetic = false) => [
  { sessionID: "ses_1" },
  { message: { id: "msg_1" }, parts: [{ type: "text", text, synthetic }] },
];

/** What is due has run, and what that has made due. */
async function settled() {
  for (let round = 0; round < 3; round++) await new Promise((run) => setTimeout(run, 0));
}

test("there is a stand-in for each hook and each tool, and no other", async () => {
  const real = await attach(new Plugin(), openCode().input, { command: fake("well") });
  const { hooks } = early();
  assert.deepEqual(Object.keys(hooks).sort(), Object.keys(real).sort());
  for (const [name, { description, args }] of Object.entries(real.tool)) {
    assert.deepEqual([hooks.tool[name].description, hooks.tool[name].args], [description, args]);
  }
  await real.dispose();
});

test("what OpenCode has taken is replaced by the real hooks and tools where it is", async () => {
  Reflect.deleteProperty(globalThis, SHARED);
  const { default: init } = await import(INDEX.href);
  const hooks = await init(openCode().input, { command: fake("well") });
  const { tool, event } = hooks;
  const { session_handoff, read_session } = tool;
  const first = session_handoff.execute;
  const answer = first({ summary: "s" }, {});
  await until(() => hooks.event !== event);
  assert.deepEqual(
    [hooks.tool, tool.session_handoff, tool.read_session],
    [tool, session_handoff, read_session],
  );
  assert.notEqual(session_handoff.execute, first);
  assert.equal((await answer).output, "Handed off.");
  await hooks.dispose();
});

test("nothing is loaded for a message and its answer, but for a call", async () => {
  const { hooks, seen, loads } = early();
  const [input, output] = message("please fix handoff.py");
  const child = { event: { type: "session.created", properties: { info: { id: "ses_2" } } } };
  const piece = { event: { type: "message.part.delta", properties: {} } };
  for (const event of [child, piece]) await hooks.event(event);
  await hooks["chat.message"](input, output);
  await hooks["experimental.chat.messages.transform"]({}, { messages: [] });
  await settled();
  assert.deepEqual([loads(), seen], [0, []]);

  assert.equal((await hooks.tool.session_handoff.execute({}, {})).output, "Handed off.");
  const missed = [
    ["event", child],
    ["chat.message", input, output],
  ];
  assert.deepEqual([loads(), seen], [1, missed]);
  await hooks.event(child);
  await hooks["experimental.chat.messages.transform"]({}, { messages: [] });
  const later = [
    ["event", child],
    ["experimental.chat.messages.transform", {}, { messages: [] }],
  ];
  assert.deepEqual([loads(), seen], [1, [...missed, ...later]]);
});

test("everything is loaded 3 s after the start, and at once for a directory that is opened later", async (t) => {
  Reflect.deleteProperty(globalThis, SHARED);
  const { default: init } = await import(INDEX.href);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const options = { command: fake("well") };
  const hooks = await init(openCode().input, options);
  const { event } = hooks;
  t.mock.timers.tick(2_999);
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  assert.equal(hooks.event, event);
  t.mock.timers.tick(1);
  await until(() => hooks.event !== event);

  const others = await init(openCode({ directory: "/home/ada/projects/other" }).input, options);
  const { event: before } = others;
  t.mock.timers.tick(0);
  await until(() => others.event !== before);
  t.mock.timers.reset();
  for (const { dispose } of [others, hooks]) await dispose();
});

test("what is loaded already is not loaded again for a call", async () => {
  const { loads, hooks } = early({ delayMs: 1 });
  await until(() => loads() === 1);
  await hooks.tool.session_handoff.execute({}, {});
  assert.equal(loads(), 1);
});

test("a trigger waits for the real hook", async () => {
  const { hooks, seen } = early();
  const trigger = message("handoff fix the flaky test");
  await hooks["chat.message"](...trigger);
  assert.deepEqual(seen, [["chat.message", ...trigger]]);
});

test("of a person who may have trigger words of their own each message waits", async () => {
  const { hooks, seen } = early({ hasOwnWords: true });
  await hooks["chat.message"](...message("Übergabe bitte"));
  assert.equal(seen.length, 1);
});

test("those words are looked for in the person's settings", async () => {
  const folder = await mkdtemp(join(tmpdir(), "shim-"));
  await writeFile(join(folder, "handoff.json"), '{"trigger_words": ["übergabe"]}');
  Reflect.deleteProperty(globalThis, SHARED);
  const { default: init } = await import(INDEX.href);
  const { OPENCODE_CONFIG_DIR: before } = process.env;
  process.env.OPENCODE_CONFIG_DIR = folder;
  const hooks = await init(openCode().input, { command: fake("well") });
  if (before === undefined) delete process.env.OPENCODE_CONFIG_DIR;
  else process.env.OPENCODE_CONFIG_DIR = before;
  const { event } = hooks;
  await hooks["chat.message"](...message("Übergabe bitte"));
  assert.notEqual(hooks.event, event);
  await hooks.dispose();
  await rm(folder, { recursive: true });
});

test("what waits for the real hook throws what it throws", async () => {
  const { hooks, real } = early();
  real["command.execute.before"] = async () => {
    throw new Error("meant");
  };
  await assert.rejects(hooks["command.execute.before"]({ command: "handoff-now" }, 2), { message: "meant" });
});

test("commands are registered before the plugin is loaded, and one that is not ours waits for nothing", async () => {
  const { hooks, loads } = early();
  const config = { command: { "handoff-now": { template: "mine" } } };
  await hooks.config(config);
  assert.deepEqual(Object.keys(config.command).sort(), manifest.commands.map(({ name }) => name).sort());
  for (const command of ["review", "handoff", "handoff-now"]) {
    await hooks["command.execute.before"]({ command, sessionID: "ses_1" }, {});
  }
  assert.equal(loads(), 0);
});

test("a tool has its schema before the plugin is loaded, and of another's the plugin is told then", async () => {
  const { hooks, seen, loads } = early();
  for (const { name, description, parameters } of manifest.tools) {
    const output = { description, jsonSchema: undefined };
    await hooks["tool.definition"]({ toolID: name }, output);
    assert.deepEqual(output.jsonSchema, parameters);
  }
  const theirs = [{ toolID: "session_handoff" }, { description: "Generate a compact continuation prompt" }];
  await hooks["tool.definition"](...theirs);
  assert.equal(loads(), 0);
  await hooks.tool.session_handoff.execute({}, {});
  assert.deepEqual(seen, [["tool.definition", ...theirs]]);
});

test("when the plugin can't be loaded a tool says so and what to do, and OpenCode goes on as without it", async () => {
  const load = () => Promise.reject(new Error("Cannot find module './host.js'"));
  const { hooks } = early({ load });
  await assert.rejects(hooks.tool.session_handoff.execute({}, {}), {
    message:
      "session_handoff: nothing was done, as handoff-sidecar could not be loaded " +
      "(Error: Cannot find module './host.js'). Run `handoff-sidecar install` again, then restart OpenCode.",
  });
  for (const given of [early({ load }).hooks, hooks]) {
    for (const [name, hook] of Object.entries(given)) {
      if (typeof hook !== "function") continue;
      for (const weird of [{}, undefined, { parts: 5 }, { parts: [null] }]) {
        if (name !== "config") assert.equal(await hook(weird, weird), undefined, name);
      }
    }
  }
});

test("a tool call in the first seconds waits until the plugin is loaded, and is looked at", async () => {
  const { hooks, seen, loads } = early();
  const write = { tool: "write", sessionID: "ses_1", callID: "call_1" };
  await hooks["tool.execute.before"](write, { args: {} });
  assert.deepEqual([loads(), seen], [1, [["tool.execute.before", write, { args: {} }]]]);
});

test("a directory that is closed before the plugin is loaded loads nothing, and one after closes the plugin's", async () => {
  const { hooks, loads, seen } = early({ delayMs: 0 });
  await hooks.dispose();
  await settled();
  assert.equal(loads(), 0);
  const other = early();
  await other.hooks.tool.session_handoff.execute({}, {});
  assert.equal(other.signals[0]?.aborted, false);
  await other.hooks.dispose();
  assert.deepEqual([seen, other.seen, other.signals[0]?.aborted], [[], [["dispose"]], true]);
});

test("a directory that is closed while the plugin is loaded starts no sidecar, and waits for no answer", async (t) => {
  let spawned = 0;
  const spawn = /** @type {any} */ (
    () => {
      spawned += 1;
      throw new Error("spawned");
    }
  );
  const plugin = new Plugin({ spawn });
  /** @type {(answer: Response) => void} */
  let tellVersion = () => {};
  const version = new Promise((/** @type {(answer: Response) => void} */ resolve) => (tellVersion = resolve));
  const { input, asked } = openCode({ answer: () => version });
  const commands = new Commands(manifest.commands);
  const load = (/** @type {AbortSignal} */ closed) => plugin.give({}, commands, input, {}, closed);
  t.mock.timers.enable({ apis: ["setTimeout"] }); // no limit ends the wait for an answer
  const { hooks } = early({ load, delayMs: 0 });
  t.mock.timers.tick(0);
  await until(() => asked.length === 1);
  let isClosed = false;
  hooks.dispose().then(() => (isClosed = true));
  await until(() => isClosed);
  t.mock.timers.reset();
  tellVersion(Response.json({ version: "1.18.33" }));
  await settled();
  assert.equal(spawned, 0);
});
