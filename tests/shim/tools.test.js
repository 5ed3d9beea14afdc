/** The tools and commands, as OpenCode has them, and what is said where a call fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MANIFEST } from "../../plugin-shim/lib/manifest.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { Calls } from "../../plugin-shim/lib/sessions.js";
import { attached, context, MESSAGE, openCode, SESSION, stayAlive, until } from "./support.js";

stayAlive();

test("a call tells the sidecar where it comes from", async () => {
  const { hooks, input } = await attached("well");
  const result = await hooks.tool.session_handoff.execute({ summary: "s" }, context);
  assert.deepEqual(result.metadata.params, {
    name: "session_handoff",
    arguments: { summary: "s" },
    context: {
      sessionID: SESSION,
      messageID: MESSAGE,
      callID: "call_1",
      agent: "build",
      directory: input.directory,
      worktree: "/home/ada",
      activeSessionID: null,
    },
  });
  assert.deepEqual([result.title, result.output], ["Handoff: Auth flow", "Handed off."]);
  await hooks.dispose();
});

test("the tools are those of tools.json, and their schemas come with tool.definition", async () => {
  const { hooks } = await attached("well");
  const { tools } = MANIFEST;
  assert.deepEqual(
    Object.keys(hooks.tool),
    tools.map(({ name }) => name),
  );
  for (const { name, description, parameters } of tools) {
    assert.deepEqual([hooks.tool[name].description, hooks.tool[name].args], [description, {}]);
    const output = { description, parameters: {}, jsonSchema: undefined };
    await hooks["tool.definition"]({ toolID: name }, output);
    assert.deepEqual(output.jsonSchema, parameters);
  }
  const other = {};
  await hooks["tool.definition"]({ toolID: "bash" }, other);
  assert.deepEqual(other, {});
  await hooks.dispose();
});

test("a tool of another plugin's that has taken our name keeps its schema, and the person is told once", async () => {
  const { hooks, toasts } = await attached("well", { waitMs: { notice: 1 } });
  for (const { name } of MANIFEST.tools) {
    const output = { description: "Generate a compact continuation prompt", parameters: {} };
    await hooks["tool.definition"]({ toolID: name }, output);
    assert.deepEqual(output, { description: "Generate a compact continuation prompt", parameters: {} });
  }
  await until(() => toasts().length > 0);
  assert.equal(toasts().length, 1);
  assert.match(
    toasts()[0].message,
    /^Another plugin also registers a tool `session_handoff`, and agents see that plugin's description/,
  );
  await hooks.dispose();
});

test("a command of ours that another plugin puts in its place later is told of when it is used", async () => {
  const { hooks, toasts } = await attached("well", { waitMs: { notice: 1 } });
  await hooks.config({});
  const use = (/** @type {string} */ text) =>
    hooks["command.execute.before"](
      { command: "handoff", sessionID: SESSION, arguments: "the rest" },
      { parts: [{ type: "text", text }] },
    );
  await use("handoff: the rest");
  await use("<command-instruction>Create a summary.");
  await use("<command-instruction>Create a summary.");
  await until(() => toasts().length > 0);
  assert.equal(toasts().length, 1);
  assert.match(
    toasts()[0].message,
    /^`\/handoff` belongs to another plugin here.* `handoff <goal>` without the slash/,
  );
  await hooks.dispose();
});

test("commands are added, and one that the user made stays", async () => {
  const { hooks, toasts } = await attached("well", { waitMs: { notice: 1 } });
  const config = {};
  await hooks.config(config);
  const commands = MANIFEST.commands.map(({ name, description, template }) => {
    return [name, { description, template }];
  });
  assert.deepEqual(config, { command: Object.fromEntries(commands) });
  const mine = { command: { "handoff-now": { template: "mine" } } };
  await hooks.config(mine);
  assert.deepEqual(mine.command["handoff-now"], { template: "mine" });
  await hooks["command.execute.before"]({ command: "handoff-now", sessionID: SESSION, arguments: "" }, {});
  await until(() => toasts().length > 0);
  assert.match(toasts()[0].message, /^`\/handoff-now` belongs to another plugin here/);
  await hooks.dispose();
});

test("a tool call without a sidecar: one toast, and an error for the model", async () => {
  const plugin = new Plugin();
  const { input, toasts, asked } = openCode();
  const hooks = plugin.open(input, { command: ["/nowhere/python"] });
  const call = hooks.tool.session_handoff.execute({ summary: "s" }, context);
  await assert.rejects(call, {
    message: /^session_handoff failed: the sidecar's program could not be started.* \(call call_1\)$/,
  });
  await until(() => toasts().length === 1);
  assert.ok(asked.some(({ path, body }) => path === "/log" && body.message.includes("(call call_1)")));
  await hooks.dispose();
});

test("what the sidecar refuses is told by the sidecar: no second toast", async () => {
  const { hooks, toasts } = await attached("refuses a call");
  const call = hooks.tool.session_handoff.execute({}, context);
  await assert.rejects(call, { message: "session_handoff: `summary` is missing" });
  assert.deepEqual(toasts(), []);
  await hooks.dispose();
});

test("escape cancels the call without a toast", async () => {
  const { hooks, toasts } = await attached("answers a cancel");
  const controller = new AbortController();
  const call = hooks.tool.read_session.execute({}, { ...context, abort: controller.signal });
  controller.abort();
  await assert.rejects(call, { message: /^read_session was cancelled\./ });
  assert.deepEqual(toasts(), []);
  await hooks.dispose();
});

test("a handoff waits for the other calls of its session and of its subagents, and for no other", async () => {
  const calls = new Calls();
  const began = (/** @type {string} */ callID, tool = "bash", sessionID = "ses_old") =>
    calls.began({ tool, sessionID, callID });
  const isOfIt = (/** @type {string} */ of) => ["ses_old", "ses_child"].includes(of);
  began("handoff", "session_handoff");
  began("look", "read");
  began("delegate", "task");
  began("elsewhere", "bash", "ses_other");
  await calls.alone("handoff", isOfIt);
  began("own");
  began("subagents", "write", "ses_child");
  let isAlone = false;
  const alone = calls.alone("handoff", isOfIt).then(() => {
    isAlone = true;
  });
  calls.ended("own");
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!isAlone);
  calls.idle("ses_child");
  await alone;
  began("stuck");
  await assert.rejects(calls.alone("handoff", isOfIt, AbortSignal.abort()));
});
