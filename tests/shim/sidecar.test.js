import assert from "node:assert/strict";
import { test } from "node:test";
import { readManifest } from "../../plugin-shim/lib/manifest.js";
import { PROTOCOL_VERSION, Sidecar } from "../../plugin-shim/lib/sidecar.js";
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
    command: () => ({ words: Array.isArray(behaviour) ? behaviour : fake(behaviour), mayFetch: false }),
    greeting: async () => ({ openCode: { version: null }, mode: "other", directory: "/", options: {} }),
    onReady: (answer) => answers.push(answer),
    handlers: {},
    log: (_, message) => logged.push(message),
    ...parts,
  });
  return { made, answers, logged };
}

test("both sides speak the same protocol: tools.json has the number from Python", () => {
  assert.equal(PROTOCOL_VERSION, readManifest().protocolVersion);
});

test("the first call starts the sidecar, the next ones use the same", async () => {
  const { made, answers } = sidecar("well");
  const [first, second] = await Promise.all([made.call("tool/call", {}), made.call("tool/call", {})]);
  assert.equal(first.metadata.pid, second.metadata.pid);
  assert.deepEqual(answers[0].server.greeting, {
    protocolVersion: 1,
    openCode: { version: null },
    mode: "other",
    directory: "/",
    options: {},
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
  await assert.rejects(made.call("tool/call", {}), (/** @type {any} */ error) => {
    assert.deepEqual([error.name, error.exit.code, error.exit.stderr], ["SidecarDied", 3, ["MemoryError"]]);
    return true;
  });
  assert.match((await made.call("message/received", { text: "handoff" })).text, /handoff/);
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
  assert.ok(logged.some((line) => line.includes("not JSON")));
  await made.end();
});

test("a missing program is an error with its name, and nothing else happens", async () => {
  const { made } = sidecar(["/nowhere/python", "-m", "handoff_sidecar"]);
  await assert.rejects(made.call("tool/call", {}), (/** @type {any} */ error) => {
    assert.deepEqual([error.name, error.program], ["SidecarNotFound", "/nowhere/python"]);
    return error.exit.spawnError.code === "ENOENT";
  });
});

test("a runtime that throws for a missing program makes the same error", async () => {
  const spawn = /** @type {any} */ (
    () => {
      throw Object.assign(new Error("no"), { code: "ENOENT" });
    }
  );
  await assert.rejects(sidecar("well", { spawn }).made.start(), { name: "SidecarNotFound" });
});

test("a crash at the start tells the exit code and the last lines", async () => {
  await assert.rejects(sidecar("crashes at start").made.start(), (/** @type {any} */ error) => {
    assert.deepEqual([error.name, error.why, error.exit.code], ["SidecarStartFailed", "ended", 1]);
    return error.exit.stderr.at(-1) === "ModuleNotFoundError: No module named 'httpx'";
  });
});

test("a sidecar that never answers initialize is killed", async () => {
  const { made } = sidecar("is silent", { limits: { initializeMs: 1 } });
  await assert.rejects(made.start(), (/** @type {any} */ error) => {
    assert.deepEqual([error.why, error.exit.signal], ["silent", "SIGKILL"]);
    return true;
  });
});

test("another protocol is a clear error with both versions", async () => {
  await assert.rejects(sidecar("speaks protocol 2").made.start(), (/** @type {any} */ error) => {
    assert.equal(error.why, "mismatch");
    assert.match(
      error.message,
      /protocol 1 and the sidecar 9\.0\.0 speaks protocol 2: run `handoff-sidecar install`/,
    );
    return true;
  });
});

test("after five failed starts it rests, and then it tries again", async () => {
  let now = 1_000;
  const { made } = sidecar(["/nowhere/python"], { now: () => now });
  for (let failure = 0; failure < 5; failure++)
    await assert.rejects(made.start(), { name: "SidecarNotFound" });
  await assert.rejects(made.start(), { name: "SidecarResting", retryInMs: 30_000 });
  now += 29_999;
  await assert.rejects(made.start(), { name: "SidecarResting", retryInMs: 1 });
  now += 1;
  await assert.rejects(made.start(), { name: "SidecarNotFound" });
});

test("after ten failed starts in a row it is not started again", async () => {
  let now = 1_000;
  const { made } = sidecar(["/nowhere/python"], { now: () => now });
  for (let failure = 0; failure < 10; failure++) {
    await assert.rejects(made.start(), { name: "SidecarNotFound" });
    now += 31_000;
  }
  now += 3_600_000;
  await assert.rejects(made.start(), { name: "SidecarStopped", starts: 10 });
});

test("failed starts that lie far apart are no reason to rest", async () => {
  let now = 1_000;
  const { made } = sidecar(["/nowhere/python"], { now: () => now });
  for (let failure = 0; failure < 8; failure++) {
    await assert.rejects(made.start(), { name: "SidecarNotFound" });
    now += 20_000;
  }
});

test("a call over its limit is cancelled, and a sidecar that ends it lives on", async () => {
  const { made } = sidecar("answers a cancel");
  await made.start();
  const call = made.call("tool/call", {}, { timeoutMs: 5, killWhenStuck: true });
  await assert.rejects(call, { name: "CallGivenUp", why: "timed out", answered: true, afterMs: 5 });
  assert.ok(await made.call("message/received", { text: "handoff" }));
  await made.end();
});

test("a sidecar that doesn't end a call that a person has cancelled is killed, and the next call has another", async () => {
  const { made } = sidecar("never answers a call");
  await made.start();
  const pressed = new AbortController();
  const call = made.call("tool/call", {}, { signal: pressed.signal, graceMs: 5, killWhenStuck: true });
  pressed.abort();
  await assert.rejects(call, { name: "CallGivenUp", why: "cancelled", answered: false });
  assert.ok(await made.call("message/received", { text: "handoff" }));
  await made.end();
});

test("a sidecar that doesn't answer a cancel either is killed", async () => {
  const { made, logged } = sidecar("never answers a call");
  await made.start();
  const call = made.call("tool/call", {}, { timeoutMs: 5, graceMs: 5, killWhenStuck: true });
  await assert.rejects(call, { name: "CallGivenUp", why: "timed out", answered: false });
  await until(() => logged.some((line) => line.includes("SIGKILL")));
});

test("a person's escape ends the call and leaves the sidecar alone", async () => {
  const { made } = sidecar("never answers a call");
  await made.start();
  const controller = new AbortController();
  const call = made.call("tool/call", {}, { signal: controller.signal, graceMs: 5, killWhenStuck: true });
  controller.abort();
  await assert.rejects(call, { name: "CallGivenUp", why: "cancelled", answered: false });
  assert.ok(await made.call("message/received", { text: "handoff" }));
  await made.end();
});

test("an escape while the sidecar starts ends the call at once", async () => {
  const { made } = sidecar("is silent");
  const controller = new AbortController();
  const call = made.call("tool/call", {}, { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { name: "CallGivenUp", why: "cancelled", sent: false });
  await made.end();
});

test("the time limit of a call covers the start", async () => {
  const { made } = sidecar("is silent");
  await assert.rejects(made.call("tool/call", {}, { timeoutMs: 5 }), { why: "timed out", sent: false });
  await made.end();
});

for (const behaviour of ["well", "ignores the end"]) {
  test(`end leaves no process: a sidecar that ${behaviour === "well" ? "works" : behaviour}`, async () => {
    const { made } = sidecar(behaviour, { limits: { endMs: behaviour === "well" ? 60_000 : 5 } });
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
