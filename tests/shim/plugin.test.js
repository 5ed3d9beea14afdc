/** The plugin, whatever it is given, and from its first to its last initialisation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { attached, context, fake, openCode, stayAlive, until } from "./support.js";

stayAlive();

test("no hook throws, whatever it is given", async () => {
  const { hooks } = await attached("well");
  const cyclic = /** @type {any} */ ({ parts: [] });
  cyclic.parts.push(cyclic);
  const weird = [
    undefined,
    null,
    5,
    "text",
    [],
    {},
    { parts: 5 },
    { parts: [null, 5] },
    cyclic,
    Object.freeze({}),
  ];
  for (const [name, hook] of /** @type {[string, any][]} */ (Object.entries(hooks))) {
    if (typeof hook !== "function") continue;
    for (const first of weird) for (const second of weird) await hook(first, second);
    assert.equal(await hook(), undefined, name);
  }
});

test("the plugin can be given anything to begin with", async () => {
  for (const input of /** @type {any[]} */ ([undefined, null, {}, { client: 5, directory: 7 }])) {
    for (const options of [undefined, null, 5, { command: "no array" }, { command: [] }]) {
      const plugin = new Plugin({ spawn: /** @type {any} */ (() => null) });
      const hooks = plugin.open(input, options);
      await hooks.dispose?.();
    }
  }
});

test("after the last dispose the plugin can start anew, with other options", async () => {
  const { plugin, hooks } = await attached("refuses a call");
  await hooks.dispose();
  const again = plugin.open(openCode().input, { command: fake("well") });
  assert.equal((await again.tool.read_session.execute({}, context)).output, "Handed off.");
  await again.dispose();
});

test("without a sidecar to be had, one toast at the start says how to get it", async () => {
  const plugin = new Plugin({ env: { PATH: "" }, waitMs: { notice: 0, quiet: 0 } });
  const { input, toasts } = openCode();
  const hooks = plugin.open(input);
  const again = plugin.open(input);
  const [toast] = await until(() => toasts().length > 0 && toasts());
  assert.equal(
    toast.message,
    "Handoffs can't be made: the Python package is not installed (not found on the PATH: handoff-sidecar, uvx). " +
      "Run `uv tool install handoff-sidecar` (or `pipx install handoff-sidecar`), then restart OpenCode.",
  );
  await hooks.dispose();
  await again.dispose();
  assert.equal(toasts().length, 1);
});
