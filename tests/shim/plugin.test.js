import assert from "node:assert/strict";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MANIFEST, readVersion } from "../../plugin-shim/lib/manifest.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { sidecarCommand } from "../../plugin-shim/lib/process.js";
import { fake, INDEX, isRunning, openCode, SHARED, stayAlive, until } from "./support.js";

stayAlive();

const MESSAGE = "msg_2074d8001001PlYkflxvLyRy2D";
const PART = "prt_2074d800b001JIr75A9yjVMUx4";
const SESSION = "ses_df8b2805fffehCtErImu2zOMIA";

/**
 * The plugin, attached, without the globals.
 * @param {string} behaviour
 * @param {ConstructorParameters<typeof Plugin>[0]} [parts]
 */
function attached(behaviour, parts = {}) {
  const plugin = new Plugin({ argv: ["bun", "index.js", "run", "x"], ...parts });
  const host = openCode();
  const options = { command: fake(behaviour), flavour: "plain" };
  return { ...host, plugin, options, hooks: plugin.open(host.input, options) };
}

/** @param {string} text */
function typed(text, id = MESSAGE) {
  const part = { id: PART, sessionID: SESSION, messageID: id, type: "text", text };
  return {
    input: { sessionID: SESSION },
    output: { message: { id, sessionID: SESSION, role: "user" }, parts: [part] },
  };
}

const context = {
  sessionID: SESSION,
  messageID: MESSAGE,
  callID: "call_1",
  agent: "build",
  directory: "/somewhere/else",
  worktree: "/home/ada",
  abort: new AbortController().signal,
};

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
    /^Another plugin registers a tool `session_handoff` too, and agents see its description of the tool/,
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
  const { hooks, asked } = await attached("well");
  asked.length = 0;
  const { input, output } = typed("handoff");
  Object.assign(output.parts[0] ?? {}, { synthetic: true });
  await hooks["chat.message"](input, output);
  assert.deepEqual([output.parts.length, asked], [1, []]);
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
  const { pid } = (await hooks.tool.read_session.execute({}, context)).metadata;
  const { input, output } = typed("handoff");
  await hooks["chat.message"](input, output);
  assert.equal(output.parts.length, 1);
  await until(() => toasts().length === 1 && !isRunning(pid));
  assert.notEqual((await hooks.tool.read_session.execute({}, context)).metadata.pid, pid);
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
  for (const [name, hook] of Object.entries(hooks)) {
    if (typeof hook !== "function") continue;
    for (const first of weird) for (const second of weird) await hook(first, second);
    assert.equal(await hook(), undefined, name);
  }
});

test("the plugin can be given anything to begin with", async () => {
  for (const input of [undefined, null, {}, { client: 5, directory: 7 }]) {
    for (const options of [undefined, null, 5, { command: "no array" }, { command: [] }]) {
      const plugin = new Plugin({ spawn: /** @type {any} */ (() => null) });
      const hooks = plugin.open(input, options);
      await hooks.dispose?.();
    }
  }
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

test("after the last dispose the plugin can start anew, with other options", async () => {
  const { plugin, hooks } = await attached("refuses a call");
  await hooks.dispose();
  const again = plugin.open(openCode().input, { command: fake("well") });
  assert.equal((await again.tool.read_session.execute({}, context)).output, "Handed off.");
  await again.dispose();
});

/** A folder with these programs in it. @param {string[]} names */
async function programs(...names) {
  const folder = await mkdtemp(join(tmpdir(), "programs-"));
  for (const name of names) await writeFile(join(folder, name), "", { mode: 0o755 });
  return folder;
}

test("the command comes from the options, else the environment, else the PATH, else uvx", async () => {
  const folder = await programs("handoff-sidecar", "uvx");
  const HANDOFF_SIDECAR_COMMAND = "python -m handoff_sidecar stdio";
  const env = { HANDOFF_SIDECAR_COMMAND, PATH: folder };
  /** @type {[unknown, NodeJS.ProcessEnv, string[]][]} */
  const cases = [
    [{ command: ["a", "b"] }, env, ["a", "b"]],
    [{ command: "a  b" }, env, ["a", "b"]],
    [{}, env, HANDOFF_SIDECAR_COMMAND.split(" ")],
    [{ command: [] }, { ...env, HANDOFF_SIDECAR_COMMAND: '["a b", "c"]' }, ["a b", "c"]],
    [undefined, { ...env, HANDOFF_SIDECAR_COMMAND: " " }, [join(folder, "handoff-sidecar"), "stdio"]],
  ];
  for (const [options, environment, words] of cases) {
    assert.deepEqual(sidecarCommand(options, environment), { words, mayFetch: false });
  }
  const fetcher = await programs("uvx");
  assert.deepEqual(sidecarCommand({}, { PATH: ["relative", fetcher].join(delimiter) }), {
    words: [join(fetcher, "uvx"), "--from", `handoff-sidecar==${readVersion()}`, "handoff-sidecar", "stdio"],
    mayFetch: true,
  });
  for (const path of [folder, fetcher]) await rm(path, { recursive: true });
});

test("on Windows programs end in .exe and the PATH is called Path", () => {
  const installed = "C:\\Users\\ada\\.local\\bin\\handoff-sidecar.exe";
  const machine = { isWindows: true, isProgram: (/** @type {string} */ path) => path === installed };
  const env = { Path: "tools;C:\\Windows;C:\\Users\\ada\\.local\\bin" };
  assert.deepEqual(sidecarCommand({}, env, machine).words, [installed, "stdio"]);
  assert.throws(() => sidecarCommand({}, { Path: "C:\\Windows" }, machine));
});

test("a file that can't be run and a relative folder are no programs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "programs-"));
  await writeFile(join(folder, "handoff-sidecar"), "", { mode: 0o644 });
  const nearby = relative(process.cwd(), await programs("handoff-sidecar"));
  for (const PATH of [folder, nearby, "", undefined]) {
    assert.throws(() => sidecarCommand({}, { ...(PATH !== undefined && { PATH }) }), { kind: "missing" });
  }
  await rm(folder, { recursive: true });
});

test("without a sidecar to be had, one toast at the start says how to get it", async () => {
  const plugin = new Plugin({ env: { PATH: "" }, waitMs: { notice: 0, quiet: 0 } });
  const { input, toasts } = openCode();
  const hooks = plugin.open(input);
  const again = plugin.open(input);
  const [toast] = await until(() => toasts().length > 0 && toasts());
  assert.equal(
    toast.message,
    "Handoffs can't be made: the Python side is not installed (not on the PATH: handoff-sidecar, uvx). " +
      "Run `uv tool install handoff-sidecar` (or `pipx install handoff-sidecar`), then restart OpenCode.",
  );
  await hooks.dispose();
  await again.dispose();
  assert.equal(toasts().length, 1);
});
