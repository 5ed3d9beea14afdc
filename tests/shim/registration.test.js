import assert from "node:assert/strict";
import { test } from "node:test";
import { readManifest } from "../../plugin-shim/lib/manifest.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { Commands, standIns } from "../../plugin-shim/lib/registration.js";
import { fake, INDEX, openCode, SHARED, stayAlive, until } from "./support.js";

stayAlive();

const manifest = readManifest();
const newCommands = () => new Commands(manifest.commands);

test("there is a stand-in for each hook and each tool, and no other", () => {
  const real = new Plugin().attach(openCode().input, { command: fake("well") });
  const first = standIns(manifest, newCommands(), Promise.resolve(real));
  assert.deepEqual(Object.keys(first).sort(), Object.keys(real).sort());
  for (const [name, { description, args }] of Object.entries(real.tool)) {
    assert.deepEqual([first.tool[name].description, first.tool[name].args], [description, args]);
  }
});

test("what OpenCode has taken is replaced by the real hooks and tools where it is", async () => {
  Reflect.deleteProperty(globalThis, SHARED);
  const { default: init } = await import(INDEX.href);
  const hooks = await init(openCode().input, { command: fake("well") });
  const { tool, event } = hooks;
  const { session_handoff, read_session } = tool;
  const early = session_handoff.execute;
  const answer = early({ summary: "s" }, {});
  await until(() => hooks.event !== event);
  assert.deepEqual(
    [hooks.tool, tool.session_handoff, tool.read_session],
    [tool, session_handoff, read_session],
  );
  assert.notEqual(session_handoff.execute, early);
  assert.equal((await answer).output, "Handed off.");
  await hooks.dispose();
});

test("a stand-in waits for the real hook, gives it what it was given, and throws what it throws", async () => {
  /** @type {(hooks: any) => void} */
  let arrive = () => {};
  const hooks = standIns(manifest, newCommands(), new Promise((resolve) => (arrive = resolve)));
  /** @type {unknown[]} */
  const seen = [];
  const called = hooks.event({ event: 1 });
  const thrown = hooks["command.execute.before"]({ command: "x" }, 2);
  arrive({
    event: (/** @type {unknown[]} */ ...args) => void seen.push(args),
    "command.execute.before": async () => {
      throw new Error("meant");
    },
  });
  await called;
  await assert.rejects(thrown, { message: "meant" });
  assert.deepEqual(seen, [[{ event: 1 }]]);
});

test("when the plugin can't be loaded a tool says so and what to do, and OpenCode goes on as without it", async () => {
  const hooks = standIns(
    manifest,
    newCommands(),
    Promise.reject(new Error("Cannot find module './host.js'")),
  );
  await assert.rejects(hooks.tool.session_handoff.execute({}, {}), {
    message:
      "session_handoff: nothing was done, as handoff-sidecar could not be loaded " +
      "(Error: Cannot find module './host.js'). Run `handoff-sidecar install` again, then restart OpenCode.",
  });
  for (const [name, hook] of Object.entries(hooks)) {
    if (typeof hook === "function") assert.equal(await hook({}, {}), undefined, name);
  }
});

test("the commands are there before the plugin is, and one of the user's own stays theirs", () => {
  const commands = newCommands();
  const hooks = standIns(manifest, commands, new Promise(() => {}));
  const config = { command: { "handoff-now": { template: "mine" } } };
  hooks.config(config);
  assert.deepEqual(Object.keys(config.command).sort(), manifest.commands.map(({ name }) => name).sort());
  assert.equal(config.command["handoff-now"].template, "mine");
  assert.ok(!commands.isImmediate("handoff-now"));
  assert.ok(newCommands().isImmediate("handoff-now"));
});
