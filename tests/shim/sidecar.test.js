import assert from "node:assert/strict";
import { test } from "node:test";
import { Sidecar } from "../../plugin-shim/lib/sidecar.js";
import { fake, isRunning, stayAlive, until } from "./support.js";

stayAlive();

/**
 * @param {string | string[]} behaviour
 * @param {Partial<ConstructorParameters<typeof Sidecar>[0]>} [parts]
 */
function sidecar(behaviour, parts = {}) {
  /** @type {any[]} */
  const answers = [];
  /** @type {string[]} */
  const logged = [];
  const made = new Sidecar({
    commands: () => [{ words: Array.isArray(behaviour) ? behaviour : fake(behaviour), mayFetch: false }],
    greeting: () => ({ openCode: { looksNew: true }, mode: "other", directory: "/" }),
    onReady: (answer) => answers.push(answer),
    handlers: {},
    log: (_, message) => logged.push(message),
    ...parts,
  });
  /** What it answers here is known. @typedef {{call: (...call: Parameters<Sidecar["call"]>) => Promise<any>}} Known */
  return { made: /** @type {Known & Sidecar} */ (made), answers, logged };
}

/** A call to a sidecar that is up has been written. */
const sent = () => new Promise(setImmediate);

test("the first call starts the sidecar, the next ones use the same", async () => {
  const { made, answers } = sidecar("well");
  const [first, second] = await Promise.all([made.call("tool/call", {}), made.call("tool/call", {})]);
  assert.equal(first.metadata.pid, second.metadata.pid);
  assert.deepEqual(answers[0].server.greeting, {
    protocolVersion: 1,
    openCode: { looksNew: true },
    mode: "other",
    directory: "/",
  });
  await made.end();
});

test("the password of OpenCode's server does not reach the sidecar", async () => {
  const { made } = sidecar("well", { env: { ...process.env, OPENCODE_SERVER_PASSWORD: "secret" } });
  assert.equal((await made.call("tool/call", {})).metadata.password, null);
  await made.end();
});

test("a death in the middle ends the call at once with exit code and last line, and the next call works", async () => {
  const { made } = sidecar("dies in a call");
  await assert.rejects(made.call("tool/call", {}), {
    kind: "died",
    message: "the sidecar stopped in the middle of the call (exit code 3; its last line: MemoryError)",
  });
  assert.ok(await made.call("session/continue", { context: {} }));
  await made.end();
});

test("a sidecar that died while nobody called is started again", async () => {
  const { made, logged } = sidecar("well");
  const { pid } = (await made.call("tool/call", {})).metadata;
  process.kill(pid, "SIGKILL");
  await until(() => logged.some((line) => line.includes("SIGKILL")));
  const next = (await made.call("tool/call", {})).metadata.pid;
  assert.notEqual(next, pid);
  await made.end();
});

test("garbage on its stdout disturbs nothing", async () => {
  const { made, logged } = sidecar("writes garbage");
  assert.equal((await made.call("tool/call", {})).output, "Handed off.");
  assert.ok(logged.some((line) => line.includes("not JSON-RPC")));
  await made.end();
});

test("a missing program is an error with its name, and nothing else happens", async () => {
  const { made } = sidecar(["/nowhere/python", "-m", "handoff_sidecar"]);
  await assert.rejects(made.call("tool/call", {}), {
    kind: "notFound",
    message: "the sidecar's program could not be started (/nowhere/python: ENOENT)",
  });
});

test("a crash at the start tells the exit code and the last lines", async () => {
  await assert.rejects(sidecar("crashes at start").made.start(), {
    kind: "ended",
    message: /\(exit code 1; its last line: ModuleNotFoundError: No module named 'httpx'\)$/,
  });
});

test("a sidecar that never answers initialize is killed", async () => {
  const { made } = sidecar("is silent", { waitMs: { initialize: 1 } });
  await assert.rejects(made.start(), { kind: "silent", message: /SIGKILL/ });
});

test("a sidecar that speaks another protocol says so itself", async () => {
  await assert.rejects(sidecar("speaks another protocol").made.start(), {
    kind: "told",
    message: "the plugin speaks protocol 1 and the sidecar 2",
  });
});

test("each failed start doubles the time until the next one, up to five minutes, and a good one ends that", async () => {
  let now = 1_000;
  let program = "/nowhere/python";
  const commands = () => [{ words: program ? [program] : fake("dies in a call"), mayFetch: false }];
  const { made } = sidecar([], { commands, now: () => now });
  for (const rest of [0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 127_000, 255_000, 300_000, 300_000]) {
    await assert.rejects(made.start(), { kind: "notFound" });
    now += Math.max(rest - 1, 0);
    if (rest)
      await assert.rejects(made.start(), { kind: "resting", message: /won't be started for 1 s; .*ENOENT/ });
    now += 1;
  }
  program = "";
  await assert.rejects(made.call("tool/call", {}), { kind: "died" });
  program = "/nowhere/python";
  for (const _ of [1, 2]) await assert.rejects(made.start(), { kind: "notFound" });
});

test("a call over its limit is cancelled, and a sidecar that ends it lives on", async () => {
  const { made } = sidecar("answers a cancel");
  await made.start();
  const call = made.call("tool/call", {}, { timeoutMs: 5, killWhenStuck: true });
  await assert.rejects(call, { kind: "late", sent: true, ended: true });
  assert.ok(await made.call("session/continue", { context: {} }));
  await made.end();
});

test("a sidecar that doesn't end a call that a person has cancelled is killed, and the next call has another", async () => {
  const { made } = sidecar("never answers a call");
  await made.start();
  const pressed = new AbortController();
  const call = made.call("tool/call", {}, { signal: pressed.signal, graceMs: 5, killWhenStuck: true });
  await sent();
  pressed.abort();
  await assert.rejects(call, { kind: "cancelled", sent: true, ended: false });
  assert.ok(await made.call("session/continue", { context: {} }));
  await made.end();
});

test("a sidecar that doesn't answer a cancel either is killed", async () => {
  const { made, logged } = sidecar("never answers a call");
  await made.start();
  const call = made.call("tool/call", {}, { timeoutMs: 5, graceMs: 5, killWhenStuck: true });
  await assert.rejects(call, { kind: "stuck", ended: false });
  await until(() => logged.some((line) => line.includes("SIGKILL")));
});

test("a person's escape ends the call and leaves the sidecar alone", async () => {
  const { made } = sidecar("never answers a call");
  await made.start();
  const controller = new AbortController();
  const call = made.call("tool/call", {}, { signal: controller.signal, graceMs: 5, killWhenStuck: true });
  await sent();
  controller.abort();
  await assert.rejects(call, { kind: "cancelled", sent: true, ended: false });
  assert.ok(await made.call("session/continue", { context: {} }));
  await made.end();
});

test("an escape while the sidecar starts ends the call at once", async () => {
  const { made } = sidecar("is silent");
  const controller = new AbortController();
  const call = made.call("tool/call", {}, { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { kind: "cancelled", sent: false });
  await made.end();
});

test("the time limit of a call covers the start", async () => {
  const { made } = sidecar("is silent");
  await assert.rejects(made.call("tool/call", {}, { timeoutMs: 5 }), { kind: "late", sent: false });
  await made.end();
});

for (const behaviour of ["well", "ignores the end"]) {
  test(`end leaves no process: a sidecar that ${behaviour === "well" ? "works" : behaviour}`, async () => {
    const { made } = sidecar(behaviour, { waitMs: { end: behaviour === "well" ? 60_000 : 5 } });
    const { pid } = (await made.call("tool/call", {})).metadata;
    await made.end();
    await until(() => !isRunning(pid));
    await made.end();
  });
}

test("a clean end leaves nothing in the log", async () => {
  const { made, logged } = sidecar("well");
  await made.start();
  await made.end();
  assert.deepEqual(logged, []);
});
