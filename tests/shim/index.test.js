/** The one export, and several copies of it in one process. */
import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MANIFEST } from "../../plugin-shim/lib/manifest.js";
import { context, fake, INDEX, isRunning, openCode, SHARED, stayAlive, typed, until } from "./support.js";

stayAlive();

test("the module has one export, which both lines of OpenCode take", async () => {
  const module = await import(INDEX.href);
  const { id, server, setup } = module.default;
  assert.deepEqual(
    [Object.keys(module), typeof module.default, id, typeof server, typeof setup],
    [["default"], "object", "handoff-sidecar", "function", "function"],
  );
});

test("in the Bun of an OpenCode that ends at an object the export is a function", async () => {
  const { versions } = process;
  for (const [bun, kind] of [
    ["1.2.21", "function"],
    ["1.3.9", "function"],
    ["1.3.11", "function"],
    ["1.3.13", "object"],
    ["1.3.14", "object"],
    ["1.4.0", "object"],
    ["2.0.0", "object"],
  ]) {
    Object.defineProperty(process, "versions", { value: { ...versions, bun }, configurable: true });
    const { default: given } = await import(`${INDEX.href}?bun=${bun}`);
    assert.deepEqual(
      [typeof given, typeof given.server, typeof given.setup],
      [kind, "function", "function"],
      bun,
    );
  }
  Object.defineProperty(process, "versions", { value: versions, configurable: true });
});

test("setup returns at once with the bare context of 1.x, and in 2.x it writes one line", async (t) => {
  const { default: definition } = await import(INDEX.href);
  const warn = t.mock.method(console, "warn", () => {});
  const bare = { options: {}, agent: {}, catalog: {}, command: {}, plugin: {} };
  for (const context of [bare, undefined, {}, { tool: {} }]) {
    assert.equal(await definition.setup(context), undefined);
  }
  assert.equal(warn.mock.callCount(), 0);
  const untouched = () => assert.fail("it was used");
  const of2 = {
    ...bare,
    tool: { transform: untouched },
    session: { hook: untouched },
    event: { subscribe: untouched },
  };
  assert.equal(await definition.setup(of2), undefined);
  assert.deepEqual(
    warn.mock.calls.map(({ arguments: words }) => words),
    [[MANIFEST.sentences.otherLine]],
  );
});

test("fifty initialisations ask the host nothing", async () => {
  const { server: init } = (await import(INDEX.href)).default;
  const disposals = [];
  const { input, asked } = openCode();
  for (let round = 0; round < 50; round++) {
    const hooks = await init(input, { command: fake("well") });
    disposals.push(hooks.dispose);
  }
  assert.deepEqual(asked, []);
  for (const dispose of disposals) await dispose();
});

test("two copies of the plugin share one sidecar, and one message gets one part", async () => {
  const folder = await mkdtemp(join(tmpdir(), "shim-"));
  const root = fileURLToPath(new URL(".", INDEX));
  for (const name of ["index.js", "lib", "tui", "tools.json", "package.json"]) {
    await cp(join(root, name), join(folder, name), { recursive: true });
  }
  Reflect.deleteProperty(globalThis, SHARED);
  const { input: openCodeInput } = openCode();
  const urls = [INDEX.href, `${INDEX.href}?again`, pathToFileURL(join(folder, "index.js")).href];
  const all = await Promise.all(
    urls.map(async (url) => (await import(url)).default.server(openCodeInput, { command: fake("well") })),
  );
  const pids = new Set();
  for (const hooks of all) pids.add((await hooks.tool.read_session.execute({}, context)).metadata.pid);
  const { input, output } = typed("handoff");
  for (const hooks of all) await hooks["chat.message"](input, output);
  assert.deepEqual([pids.size, output.parts.length], [1, 2]);

  const [pid] = pids;
  await all[0].dispose();
  await all[0].dispose();
  await all[1].dispose();
  assert.ok(isRunning(pid));
  await all[2].dispose();
  await until(() => !isRunning(pid));
  await rm(folder, { recursive: true });
});
