/** The one export, and several copies of it in one process. */
import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MANIFEST } from "../../plugin-shim/lib/manifest.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
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

/** A copy of the plugin's files, and what is in the process for all copies as if there were none. @param {string} [without] */
async function copied(without) {
  const folder = await mkdtemp(join(tmpdir(), "shim-"));
  const root = fileURLToPath(new URL(".", INDEX));
  for (const name of ["index.js", "lib", "tui", "tools.json", "package.json"]) {
    await cp(join(root, name), join(folder, name), { recursive: true });
  }
  if (without) await rm(join(folder, without));
  Reflect.deleteProperty(globalThis, SHARED);
  const { default: definition } = await import(pathToFileURL(join(folder, "index.js")).href);
  return { folder, server: definition.server };
}

test("OpenCode gets every hook at once, and one that is called before the rest is loaded waits for it", async () => {
  const { folder, server } = await copied();
  const hooks = await server(openCode().input, { command: fake("well") });
  const whole = new Plugin().open(openCode().input);
  assert.deepEqual(Object.keys(hooks).sort(), Object.keys(whole).sort());
  assert.deepEqual(Object.keys(hooks.tool), Object.keys(whole.tool));
  assert.equal(Reflect.get(globalThis, SHARED) instanceof Promise, true);

  const config = { command: { handoff: { template: "the user's own" } } };
  hooks.config(config);
  assert.deepEqual(Object.keys(config.command).sort(), MANIFEST.commands.map(({ name }) => name).sort());
  assert.equal(config.command.handoff.template, "the user's own");
  await hooks.config(Object.freeze({}));
  const { read_session } = hooks.tool;
  const { input, output } = typed("handoff");
  const [answer] = await Promise.all([
    read_session.execute({}, context),
    hooks["chat.message"](input, output),
    hooks.event(),
  ]);
  assert.deepEqual([answer.output, output.parts.length], ["Handed off.", 2]);
  await hooks.dispose();
  await rm(folder, { recursive: true });
});

test("without the rest of the plugin OpenCode goes on as without any, and the person is told why", async (t) => {
  const { folder, server } = await copied("lib/plugin.js");
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {any[]} */
  const toasts = [];
  const { input } = openCode();
  const tui = { showToast: async (/** @type {any} */ { body }) => toasts.push(body) };
  const hooks = await server({ ...input, client: { ...input.client, tui } }, {});
  const { "chat.message": received, tool, dispose } = hooks;
  const config = { command: { review: { template: "mine" } } };
  hooks.config(config);
  const { session_handoff } = tool;
  const waiting = [received({}, {}), dispose(), session_handoff.execute({}, context)];
  t.mock.timers.tick(1);
  const [message, disposal, call] = await Promise.allSettled(waiting);
  assert.deepEqual([message?.status, disposal?.status], ["fulfilled", "fulfilled"]);
  assert.match(String(call?.status === "rejected" && call.reason), /files could not be loaded .*plugin\.js/);
  assert.deepEqual([hooks, tool], [{}, {}]);
  assert.deepEqual(Object.keys(config.command), ["review"]); // ours would go to the model
  assert.equal(Reflect.get(globalThis, SHARED), undefined); // another copy may be whole
  t.mock.timers.tick(MANIFEST.waitMs.notice);
  assert.equal(toasts.length, 1);
  assert.match(toasts[0].message, /^Handoffs can't be made: .* Run `handoff-sidecar install` again/);
  await rm(folder, { recursive: true });
});

test("where OpenCode is known to be too old, its tools say so, and a later initialisation gets nothing", async () => {
  const { folder, server } = await copied();
  const { input } = openCode({ answer: () => Response.json({ version: "1.14.48" }) });
  const first = await server(input, { command: fake("well") });
  await assert.rejects(first.tool.read_session.execute({}, context), { message: "1.14.48 is too old" });
  assert.deepEqual([first, await server(input, {})], [{}, {}]);
  await rm(folder, { recursive: true });
});

test("two copies of the plugin share one sidecar, and one message gets one part", async () => {
  const { folder } = await copied();
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
