import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Connection } from "../../plugin-shim/lib/connection.js";
import { Failure, RpcError } from "../../plugin-shim/lib/failures.js";
import { noLog, stayAlive, until } from "./support.js";

stayAlive();

const GOLDEN = new URL("../golden/", import.meta.url);
/** @type {[string, any][]} */
const golden = readdirSync(GOLDEN)
  .filter((name) => name.endsWith(".json"))
  .map((name) => [name, JSON.parse(readFileSync(new URL(name, GOLDEN), "utf8"))]);

/**
 * A connection whose other end is the test itself.
 * @param {Record<string, import("../../plugin-shim/lib/connection.js").Handler>} [handlers]
 * @param {number} [maxFrameBytes]
 */
function connected(handlers = {}, maxFrameBytes) {
  const input = new PassThrough();
  const output = new PassThrough();
  /** @type {any[]} */
  const written = [];
  let text = "";
  output.on("data", (chunk) => {
    const lines = (text + chunk).split("\n");
    text = lines.pop() ?? "";
    written.push(...lines.map((line) => JSON.parse(line)));
  });
  const limit = maxFrameBytes === undefined ? {} : { maxFrameBytes };
  const connection = new Connection(input, output, { handlers, log: noLog, ...limit });
  const say = (/** @type {unknown} */ message) => input.write(`${JSON.stringify(message)}\n`);
  const hears = (/** @type {number} */ count) => until(() => written.length >= count && written);
  return { connection, input, written, say, hears };
}

/** Two connections that talk to each other. @param {Record<string, any>} handlers of the far one */
function pair(handlers) {
  const there = new PassThrough();
  const back = new PassThrough();
  const far = new Connection(there, back, { handlers, log: noLog });
  const near = new Connection(back, there, { handlers: {}, log: noLog });
  return { near, far };
}

/** Ends when its call is cancelled. @type {import("../../plugin-shim/lib/connection.js").Handler} */
const waits = (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve));

test("golden: each message that has an answer gets exactly that answer", async () => {
  const answered = golden.filter(([, { answer, from }]) => answer && from !== "shim");
  assert.ok(answered.length > 0);
  for (const [name, { message, answer }] of answered) {
    const { say, hears } = connected();
    say(message);
    assert.deepEqual(await hears(1), [answer], name);
  }
});

test("golden: our requests are written as they stand, and our answers too", async () => {
  for (const [name, { from, message }] of golden.filter(([name]) => name.endsWith(".request.json"))) {
    if (from === "shim") {
      const { connection, hears } = connected();
      connection.request(message.method, message.params).catch(noLog);
      assert.deepEqual((await hears(1))[0], { ...message, id: 1 }, name);
    } else {
      const answerTo = (/** @type {string} */ kind) =>
        golden.find(([other]) => other === name.replace(/request(?=\.json)/, kind))?.[1].message;
      for (const expected of [answerTo("response"), answerTo("error")]) {
        const { say, hears } = connected({
          [message.method]: (params) => {
            assert.deepEqual(params, message.params);
            if (expected.error) throw new RpcError(expected.error.code, expected.error.message);
            return expected.result;
          },
        });
        say(message);
        assert.deepEqual(await hears(1), [expected], name);
      }
    }
  }
});

test("golden: the sidecar's answers reach the caller as results and errors", async () => {
  const answers = golden.filter(
    ([, { from, message }]) => from !== "shim" && !message.method && !Array.isArray(message),
  );
  assert.ok(answers.length >= 5);
  for (const [name, { message }] of answers) {
    const { connection, say } = connected();
    const call = connection.request("any", {});
    say({ ...message, id: 1 });
    if (message.error) {
      const { code, message: sentence } = message.error;
      await assert.rejects(call, { name: "RpcError", code, message: sentence }, name);
    } else assert.deepEqual(await call, message.result, name);
  }
});

test("calls in both directions are served at once, and a slow one blocks no other", async () => {
  const { near, far } = pair({ slow: waits, double: (/** @type {any} */ { n }) => 2 * n });
  const slow = near.request("slow", {}).catch((error) => error);
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => near.request("double", { n }))), [2, 4, 6]);
  far.close();
  near.close();
  assert.ok((await slow) instanceof Failure);
});

test("an unforeseen exception becomes a safe sentence without its text", async () => {
  const { near } = pair({ boom: () => assert.fail("secret") });
  await assert.rejects(near.request("boom", {}), (error) => {
    assert.ok(error instanceof RpcError);
    assert.equal(error.code, -32603);
    assert.match(error.message, /^the plugin failed \(call 1 \(boom\)\)/);
    return !error.message.includes("secret");
  });
});

test("what is no message is skipped, and reading goes on", async () => {
  const { input, say, hears } = connected({ ping: () => "pong" });
  for (const line of ["not json", "", '"text"', "null", "7", "[]"]) input.write(`${line}\n`);
  input.write(Buffer.from([0x22, 0xff, 0x22, 0x0a]));
  say({ jsonrpc: "1.0", id: 1, method: "ping" });
  say([{ jsonrpc: "2.0", id: 1, method: "ping" }]);
  say({ jsonrpc: "2.0", id: 1 });
  say({ jsonrpc: "2.0", method: "$/cancelRequest", params: null });
  say({ jsonrpc: "2.0", id: "a", method: "ping", params: null });
  assert.deepEqual(await hears(1), [{ jsonrpc: "2.0", id: "a", result: "pong" }]);
});

test("a call that comes twice is carried out once", async () => {
  let calls = 0;
  let end = () => {};
  const { say, hears } = connected({
    make: () => {
      calls += 1;
      return new Promise((resolve) => (end = () => resolve("made")));
    },
    ping: () => "pong",
  });
  for (const _ of [1, 2]) say({ jsonrpc: "2.0", id: 1, method: "make" });
  say({ jsonrpc: "2.0", id: 2, method: "ping" });
  await hears(1);
  end();
  const heard = await hears(2);
  assert.deepEqual([calls, heard.map(({ result }) => result)], [1, ["pong", "made"]]);
});

test("answers to nothing are dropped and never answered", async () => {
  const { say, hears } = connected({ ping: () => "pong" });
  say({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "x" } });
  say({ jsonrpc: "2.0", id: 77, result: 1 });
  say({ jsonrpc: "2.0", id: [], result: 1 });
  say({ jsonrpc: "2.0", method: "an/unknown/notification" });
  say({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 12 } });
  say({ jsonrpc: "2.0", id: 1, method: "ping" });
  assert.deepEqual(await hears(1), [{ jsonrpc: "2.0", id: 1, result: "pong" }]);
});

test("a line over the limit is skipped and reading goes on", async () => {
  const { input, say, hears } = connected({ ping: () => "pong" }, 200);
  input.write(`"${"x".repeat(300)}"\n`);
  say({ jsonrpc: "2.0", id: 1, method: "ping" });
  assert.deepEqual(await hears(1), [{ jsonrpc: "2.0", id: 1, result: "pong" }]);
});

test("a request over the limit fails here and nothing is written", async () => {
  const { connection, written, say, hears } = connected({ ping: () => "pong" }, 200);
  await assert.rejects(connection.request("big", { text: "x".repeat(300) }), { kind: "tooLarge" });
  say({ jsonrpc: "2.0", id: 1, method: "ping" });
  await hears(1);
  assert.equal(written.length, 1);
});

test("an answer over the limit becomes an error for the peer", async () => {
  const { say, hears } = connected({ big: () => "x".repeat(300) }, 200);
  say({ jsonrpc: "2.0", id: 5, method: "big" });
  const [answer] = await hears(1);
  assert.deepEqual([answer.id, answer.error.code], [5, -32603]);
  assert.match(answer.error.message, /over the limit of 200 bytes/);
});

test("a cancelled call is cancelled on the other side too", async () => {
  const { near } = pair({ waits });
  const controller = new AbortController();
  const call = near.request("waits", {}, { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { kind: "cancelled", sent: true, ended: true });
});

test("a call that was cancelled before it was made is not made", async () => {
  const { connection, written } = connected();
  const call = connection.request("x", {}, { signal: AbortSignal.abort() });
  await assert.rejects(call, { kind: "cancelled", sent: false });
  assert.deepEqual(written, []);
});

test("a call over its time limit is cancelled", async () => {
  const { near } = pair({ waits });
  const call = near.request("waits", {}, { timeoutMs: 1 });
  await assert.rejects(call, { kind: "late", sent: true, ended: true });
});

test("a time limit that has passed already is over at once, and is no negative one, of which Bun warns on the screen", async (t) => {
  const set = t.mock.method(globalThis, "setTimeout");
  const { near } = pair({ "tool/call": waits });
  await assert.rejects(near.request("tool/call", {}, { timeoutMs: -1_532 }), { kind: "late" });
  const limits = set.mock.calls.map(({ arguments: [, ms] }) => Number(ms));
  assert.ok(limits.length > 0 && limits.every((ms) => ms >= 0), String(limits));
});

test("a peer that doesn't answer a cancel is not waited for beyond the grace", async () => {
  const { near, far } = pair({ deaf: () => new Promise(() => {}) });
  const call = near.request("deaf", {}, { timeoutMs: 1, graceMs: 1 });
  await assert.rejects(call, { kind: "stuck", ended: false });
  far.close();
});

test("a result that comes after the cancel still counts", async () => {
  const { connection, say, hears } = connected();
  const controller = new AbortController();
  const call = connection.request("x", {}, { signal: controller.signal });
  controller.abort();
  const heard = await hears(2);
  assert.deepEqual(heard[1], { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } });
  say({ jsonrpc: "2.0", id: 1, result: "made" });
  assert.equal(await call, "made");
});

test("a call that the peer cancels is answered with -32800 when it ends", async () => {
  const { say, hears } = connected({ waits });
  say({ jsonrpc: "2.0", id: 2, method: "waits" });
  say({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 2 } });
  const [answer] = await hears(1);
  assert.deepEqual([answer.id, answer.error.code], [2, -32800]);
});

test("the end of the stream ends open calls and aborts what is served", async () => {
  /** @type {AbortSignal | undefined} */
  let served;
  const { connection, input, say } = connected({
    waits: (_, { signal }) => {
      served = signal;
      return new Promise(() => {});
    },
  });
  const call = connection.request("x", {});
  say({ jsonrpc: "2.0", id: 1, method: "waits" });
  await until(() => served);
  input.end();
  await assert.rejects(call, { kind: "died", sent: true });
  await connection.closed;
  assert.equal(served?.aborted, true);
  await assert.rejects(connection.request("y", {}), { kind: "died", sent: false });
});
