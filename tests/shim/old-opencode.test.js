/** In an OpenCode that is too old the plugin does nothing, and says so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { context, fake, openCode, stayAlive, typed, until } from "./support.js";

stayAlive();

/** @param {string | null} version */
const ofVersion = (version) => ({ answer: () => Response.json({ version }) });

/** @param {string | null} version */
function inAnOldOne(version, { hasSign = false } = {}) {
  const host = openCode(ofVersion(version));
  if (!hasSign) Reflect.deleteProperty(host.input, "experimental_workspace");
  const plugin = new Plugin({ waitMs: { notice: 0 } });
  const hooks = plugin.open(host.input, { command: fake("well") });
  return { ...host, plugin, hooks };
}

test("an OpenCode that is too old gets no hooks, and one notice with the sidecar's reason", async () => {
  for (const version of ["1.14.2", null]) {
    const { plugin, hooks, input, toasts } = inAnOldOne(version);
    assert.deepEqual(hooks, {});
    const [toast] = await until(() => toasts().length > 0 && toasts());
    assert.deepEqual([toast.message, toast.variant], [`${version} is too old`, "warning"]);
    assert.deepEqual(plugin.open(input, {}), {});
    assert.deepEqual([hooks, toasts().length], [{}, 1]);
  }
});

test("an OpenCode that only its version tells to be too old has its hooks and tools taken back", async () => {
  const { hooks, plugin, toasts } = inAnOldOne("1.14.48", { hasSign: true });
  const { tool } = hooks;
  const { input, output } = typed("handoff");
  await hooks["chat.message"](input, output);
  await until(() => toasts().length === 1);
  assert.deepEqual([hooks, tool, output.parts.length, toasts().length], [{}, {}, 1, 1]);
  assert.deepEqual(plugin.open(openCode().input, {}), {});
});

test("a tool that is called before the OpenCode is known to be too old says so, and each one after", async () => {
  const { hooks } = inAnOldOne("1.14.48", { hasSign: true });
  const { session_handoff, read_session } = hooks.tool;
  for (const { execute } of [session_handoff, read_session]) {
    await assert.rejects(execute({}, context), { message: "1.14.48 is too old" });
  }
});

test("a new OpenCode without the sign of one gets its hooks as soon as its version is known", async () => {
  const { hooks, toasts } = inAnOldOne("1.99.0");
  assert.equal(Object.keys(hooks).length, 0);
  await until(() => hooks.tool);
  assert.equal((await hooks.tool.read_session.execute({}, context)).output, "Handed off.");
  assert.deepEqual(toasts(), []);
  await hooks.dispose();
});
