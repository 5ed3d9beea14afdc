/** What a message that is typed leads to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import {
  attached,
  context,
  isRunning,
  MESSAGE,
  openCode,
  PART,
  SESSION,
  stayAlive,
  typed,
  until,
} from "./support.js";

stayAlive();

test("a trigger gets a part that only the model sees, after the others", async () => {
  const { hooks } = await attached("well");
  const { input, output } = typed('"handoff logout"\n');
  await hooks["chat.message"](input, output);
  const text = 'call session_handoff: "handoff logout"\n';
  const part = { sessionID: SESSION, messageID: MESSAGE, type: "text", synthetic: true, text };
  assert.deepEqual(output.parts[1], { id: `${PART}1`, ...part });
  await hooks.dispose();
});

test("a message that only looks like a trigger passes unchanged", async () => {
  const { hooks } = await attached("well");
  const { input, output } = typed("handoff is broken");
  await hooks["chat.message"](input, output);
  assert.equal(output.parts.length, 1);
  await hooks.dispose();
});

test("a message that is no trigger asks nothing", async () => {
  const { hooks, asked } = await attached("well");
  asked.length = 0;
  const { input, output } = typed("please fix handoff.py");
  await hooks["chat.message"](input, output);
  assert.deepEqual([output.parts.length, asked], [1, []]);
  await hooks.dispose();
});

test("text that nobody typed is no trigger", async () => {
  const { hooks } = await attached("well");
  const { input, output } = typed("handoff");
  Object.assign(output.parts[0] ?? {}, { synthetic: true });
  await hooks["chat.message"](input, output);
  assert.equal(output.parts.length, 1);
  await hooks.dispose();
});

test("the sidecar's own trigger pattern replaces the default", async () => {
  const { hooks } = await attached("übergibt");
  await hooks.tool.read_session.execute({}, context);
  const { input, output } = typed("Übergabe bitte");
  await hooks["chat.message"](input, output);
  assert.equal(output.parts.length, 2);
  await hooks.dispose();
});

test("a trigger without a sidecar: the message goes on, and a toast says why", async () => {
  const plugin = new Plugin();
  const { input: openCodeInput, toasts } = openCode();
  const hooks = plugin.open(openCodeInput, { command: ["/nowhere/python"] });
  const { input, output } = typed("handoff");
  await hooks["chat.message"](input, output);
  assert.equal(output.parts.length, 1);
  const [toast] = await until(() => toasts().length > 0 && toasts());
  assert.match(toast.message, /can't be done now: the sidecar's program could not be started/);
  assert.equal(toast.variant, "error");
  await hooks.dispose();
});

test("a sidecar that does not answer to a trigger is ended, and the next handoff has another", async () => {
  const { hooks, toasts } = attached("is deaf to a trigger", { waitMs: { message: 500 } });
  const pid = Number((await hooks.tool.read_session.execute({}, context)).metadata.pid);
  const { input, output } = typed("handoff");
  await hooks["chat.message"](input, output);
  assert.equal(output.parts.length, 1);
  await until(() => toasts().length === 1 && !isRunning(pid));
  assert.notEqual((await hooks.tool.read_session.execute({}, context)).metadata.pid, pid);
  await hooks.dispose();
});
