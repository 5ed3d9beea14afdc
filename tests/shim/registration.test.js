import assert from "node:assert/strict";
import { test } from "node:test";
import { readManifest } from "../../plugin-shim/lib/manifest.js";
import { Commands, defineTool } from "../../plugin-shim/lib/registration.js";

const manifest = readManifest();
const newCommands = () => new Commands(manifest.commands);

test("a command of the user's own stays theirs", () => {
  const commands = newCommands();
  const config = { command: { "handoff-now": { template: "mine" } } };
  commands.addTo(config);
  assert.deepEqual(Object.keys(config.command).sort(), manifest.commands.map(({ name }) => name).sort());
  assert.equal(config.command["handoff-now"].template, "mine");
  assert.ok(!commands.isImmediate("handoff-now"));
  assert.ok(newCommands().isImmediate("handoff-now"));
});

test("a tool of ours gets its schema; another's keeps its own, and is told apart by its description", () => {
  for (const { name, description, parameters } of manifest.tools) {
    const ours = { description: `${description} And more.`, parameters: {}, jsonSchema: undefined };
    assert.ok(defineTool(manifest, { toolID: name }, ours));
    assert.deepEqual(ours.jsonSchema, parameters);
    assert.notEqual(ours.jsonSchema, parameters);
    const theirs = { description: "Generate a compact continuation prompt" };
    assert.ok(!defineTool(manifest, { toolID: name }, theirs));
    assert.deepEqual(theirs, { description: "Generate a compact continuation prompt" });
  }
  const other = { description: "Runs a command" };
  assert.ok(defineTool(manifest, { toolID: "bash" }, other));
  assert.deepEqual(other, { description: "Runs a command" });
});
