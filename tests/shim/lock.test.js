import assert from "node:assert/strict";
import { test } from "node:test";
import { MeantThrow } from "../../plugin-shim/lib/failures.js";
import { Host } from "../../plugin-shim/lib/host.js";
import { Lock, lockOf } from "../../plugin-shim/lib/lock.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { fake, openCode, stayAlive, until } from "./support.js";

stayAlive();

const MARK = { to: "ses_new", of: "ses_old", turn: "msg_05", at: 1_000 };

const INSTANCE = new Host().open({});

/** Sessions as OpenCode keeps them, and a lock that looks at them. @param {Record<string, any>} [sessions] */
function rig(sessions = { ses_old: { metadata: { handoff: MARK } } }) {
  /** @type {string[]} */
  const asked = [];
  /** @type {string[]} */
  const lines = [];
  /** @type {unknown[]} */
  const written = [];
  const parts = {
    session: async (/** @type {unknown} */ _, /** @type {string} */ id) => {
      asked.push(id);
      if (sessions[id] instanceof Error) throw sessions[id];
      return structuredClone({ id, ...sessions[id] });
    },
    write: async (/** @type {unknown} */ _, /** @type {string} */ id, /** @type {object} */ fields) => {
      written.push([id, fields]);
    },
    log: (/** @type {string} */ _level, /** @type {string} */ line) => void lines.push(line),
  };
  const lock = new Lock(parts);
  const heard = (/** @type {any} */ info) => lock.heard(info, INSTANCE);
  /** Where the work went on, or null. */
  const refused = async (sessionID = "ses_old", tool = "write", turn = "msg_06") =>
    (await lock.refusal({ tool, sessionID, turn }, INSTANCE))?.to ?? null;
  return { asked, heard, lines, lock, parts, refused, sessions, written };
}

test("what can change something is refused in a session that was left, and what only looks is not", async () => {
  const { refused } = rig();
  for (const tool of [
    "edit",
    "write",
    "apply_patch",
    "bash",
    "task",
    "an_mcp_servers_tool",
    "session_handoff",
  ])
    assert.equal(await refused("ses_old", tool), "ses_new", tool);
  for (const tool of ["read", "grep", "glob", "list", "webfetch", "read_session"])
    assert.equal(await refused("ses_old", tool), null, tool);
});

test("a mark locks the session that it is of, and no fork, no lifted one, and none whose turn was undone", () => {
  const known = { parentID: undefined, revert: undefined, mark: MARK };
  assert.equal(lockOf("ses_old", known), MARK);
  assert.equal(lockOf("ses_fork", known), null);
  assert.equal(lockOf("ses_old", { ...known, mark: { ...MARK, lifted: 2_000 } }), null);
  assert.equal(lockOf("ses_old", { ...known, mark: undefined }), null);
  for (const messageID of ["msg_04", "msg_05"])
    assert.equal(lockOf("ses_old", { ...known, revert: { messageID } }), null);
  for (const revert of [
    { messageID: "msg_06" },
    { messageID: "msg_05", partID: "prt_2" },
    /** @type {any} */ ("odd"),
  ])
    assert.equal(lockOf("ses_old", { ...known, revert }), MARK);
  const { of: _, ...older } = MARK;
  assert.equal(lockOf("ses_old", { ...known, mark: older }), older);
});

test("a session is looked up once a turn, however many calls it makes at once", async () => {
  const { asked, refused } = rig({ ses_own: {} });
  assert.deepEqual(
    await Promise.all([1, 2, 3].map(() => refused("ses_own"))).then((all) => new Set(all)),
    new Set([null]),
  );
  await refused("ses_own");
  assert.deepEqual(asked, ["ses_own"]);
  await refused("ses_own", "write", "msg_07");
  await refused("ses_own", "read", "msg_08");
  assert.deepEqual(asked, ["ses_own", "ses_own"]);
});

test("a subagent is locked with the session that sent it, however deep, and none that goes round in circles", async () => {
  const { asked, refused } = rig({
    ses_old: { metadata: { handoff: MARK } },
    ses_child: { parentID: "ses_old" },
    ses_grandchild: { parentID: "ses_child" },
    ses_odd: { parentID: "ses_odd" },
  });
  assert.equal(await refused("ses_grandchild"), "ses_new");
  assert.deepEqual(asked, ["ses_grandchild", "ses_child", "ses_old"]);
  assert.equal(await refused("ses_odd"), null);
});

test("a person's message after the handoff unlocks at once, for good, and is to be written down", async () => {
  const { heard, lock, refused, written } = rig();
  lock.written("ses_old", 900, INSTANCE); // queued before
  assert.equal(await refused(), "ses_new");
  lock.written("ses_old", 1_100, INSTANCE);
  assert.equal(await refused(), null);
  // An event that was on its way before that was written.
  heard({ id: "ses_old", metadata: { handoff: MARK } });
  assert.equal(await refused(), null);
  assert.deepEqual(written, [["ses_old", { lifted: 1_100 }]]);
  // Handed off again, it is left again.
  heard({ id: "ses_old", metadata: { handoff: { ...MARK, to: "ses_newer", at: 2_000 } } });
  assert.equal(await refused(), "ses_newer");
});

test("a person who writes before the mark is known has written all the same", async () => {
  const { lock, refused, written } = rig();
  lock.written("ses_old", 1_100, INSTANCE);
  assert.equal(await refused(), null);
  assert.deepEqual(written, [["ses_old", { lifted: 1_100 }]]);
});

test("a handoff whose turn was undone doesn't lock when OpenCode has removed that turn, whoever prompts", async () => {
  const undone = { id: "ses_old", revert: { messageID: "msg_05" }, metadata: { handoff: MARK } };
  const { heard, lock, refused, written } = rig();
  heard(undone);
  lock.removed("msg_05");
  heard({ id: "ses_old", metadata: { handoff: MARK } });
  assert.equal(await refused(), null);
  assert.equal(written.length, 1, "the new session may be at work");
  const redone = rig();
  redone.heard(undone);
  redone.heard({ id: "ses_old", metadata: { handoff: MARK } });
  assert.equal(await redone.refused(), "ses_new");
});

test("a mark that another plugin has overwritten stands, and is to be written again", async () => {
  const { heard, lock, refused, written } = rig();
  assert.equal(await refused(), "ses_new");
  heard({ id: "ses_old", metadata: { theirs: 1 } });
  assert.equal(await refused(), "ses_new");
  assert.deepEqual(written, [["ses_old", MARK]]);
  lock.written("ses_old", 1_100, INSTANCE);
  heard({ id: "ses_old" });
  assert.equal(await refused(), null);
  assert.deepEqual(written.at(-1), ["ses_old", { ...MARK, lifted: 1_100 }]);
});

test("what can't be written down is told to the log", async () => {
  const { lines, parts } = rig();
  const lock = new Lock({ ...parts, write: async () => assert.fail("no sidecar") });
  lock.written("ses_old", 1_100, INSTANCE);
  lock.heard({ id: "ses_old", metadata: { handoff: MARK } }, INSTANCE);
  assert.match(await until(() => lines[0]), /^ses_old: its mark could not be written: .*no sidecar/);
});

test("a handoff that was taken back unlocks, and so does the end of the new session", async () => {
  const { heard, lock, refused } = rig();
  assert.equal(await refused(), "ses_new");
  heard({ id: "ses_old", metadata: { handoff: { to: null } } });
  assert.equal(await refused(), null);
  heard({ id: "ses_old", metadata: { handoff: MARK } });
  assert.equal(await refused(), "ses_new");
  lock.gone("ses_new");
  assert.equal(await refused(), null);
});

test("where OpenCode doesn't answer the tool is run, the log says so, and the next call asks again", async () => {
  const { lines, refused, sessions } = rig({ ses_old: new Error("it is busy") });
  assert.equal(await refused(), null);
  assert.match(lines[0] ?? "", /^ses_old: a tool is run without knowing .* it is busy$/);
  sessions.ses_old = { metadata: { handoff: MARK } };
  assert.equal(await refused(), "ses_new");
});

test("an answer that takes too long is waited for once a turn, and counts when it comes", async () => {
  const { parts } = rig();
  let answer = (/** @type {any} */ _) => {};
  const lock = new Lock({ ...parts, session: () => new Promise((resolve) => (answer = resolve)) });
  const call = { tool: "write", sessionID: "ses_old", turn: "msg_06" };
  assert.equal(await lock.refusal(call, INSTANCE), null);
  assert.equal(await lock.refusal(call, INSTANCE), null);
  answer({ id: "ses_old", metadata: { handoff: MARK } });
  await until(() => lock.lineOf("ses_old"));
  assert.equal((await lock.refusal(call, INSTANCE))?.to, "ses_new");
});

test("calls that come while a handoff is made wait for what comes of it", async () => {
  const { lock, refused, sessions } = rig({ ses_old: {} });
  assert.equal(await refused(), null);
  let end = () => {};
  const made = lock.leaving("ses_old", () => new Promise((resolve) => (end = () => resolve(null))));
  const call = refused();
  sessions.ses_old = { metadata: { handoff: MARK } };
  end();
  await made;
  assert.equal(await call, "ses_new");
});

test("in OpenCode the refusal is an error that the agent reads, and a person's message is all that ends it", async () => {
  const { input } = openCode({
    answer: (request) => {
      const [, kind, id] = new URL(request.url).pathname.split("/");
      return Response.json(kind === "session" ? { id, metadata: { handoff: MARK } } : {});
    },
  });
  const hooks = new Plugin().open(input, { command: fake("well") });
  const call = { tool: "write", sessionID: "ses_old", callID: "call_1" };
  await assert.rejects(hooks["tool.execute.before"](call, { args: {} }), (error) => {
    assert.ok(error instanceof MeantThrow);
    assert.match(error.message, /goes on in `ses_new`.* Nothing was done.* Then stop\.$/);
    return true;
  });
  const at = Date.now();
  const writes = (/** @type {string} */ id, /** @type {any} */ part) =>
    hooks["chat.message"](
      { sessionID: "ses_old" },
      { message: { id, time: { created: at } }, parts: [{ type: "text", text: "go on", ...part }] },
    );
  await writes("msg_7", { metadata: { handoff: { by: "plugin" } } });
  await writes("msg_8", { ignored: true });
  await writes("msg_9", { synthetic: true });
  await assert.rejects(hooks["tool.execute.before"](call, { args: {} }), MeantThrow);
  await writes("msg_10", {});
  await hooks["tool.execute.before"](call, { args: {} });
  const context = { sessionID: "ses_old", directory: input.directory, worktree: input.directory };
  assert.deepEqual(await heardBy(hooks, ({ mark }) => mark), {
    context: { ...context, activeSessionID: "ses_old" },
    mark: { lifted: at },
  });
  await hooks.dispose();
});

/**
 * What the sidecar has been told, as soon as it was.
 * @param {import("../../plugin-shim/lib/opencode.js").Hooks} hooks
 * @param {(event: any) => unknown} isIt
 */
async function heardBy(hooks, isIt) {
  for (;;) {
    const { metadata } = await hooks.tool.read_session.execute({}, { sessionID: "ses_other" });
    const found = /** @type {any} */ (metadata).seen.events.find(isIt);
    if (found) return found;
  }
}

test("what arrives in a session that was left goes to the sidecar, and what arrives elsewhere does not", async () => {
  const { input } = openCode({
    answer: (request) => {
      const id = new URL(request.url).pathname.split("/")[2];
      return Response.json(id === "ses_old" ? { id, metadata: { handoff: MARK } } : { id });
    },
  });
  const hooks = new Plugin().open(input, { command: fake("well") });
  let number = 0;
  const arrives = (/** @type {string} */ sessionID, /** @type {any} */ part) =>
    hooks["chat.message"]({ sessionID }, { message: { id: `msg_${number++}` }, parts: [part] });
  const result = { type: "text", text: "Background task completed", synthetic: true };
  await arrives("ses_other", result);
  await arrives("ses_old", { ...result, ignored: true });
  await arrives("ses_old", { ...result, metadata: { handoff: { by: "handoff-sidecar" } } });
  await arrives("ses_old", result);
  const { directory } = input;
  const context = { sessionID: "ses_old", directory, worktree: directory, activeSessionID: null };
  assert.deepEqual(await heardBy(hooks, ({ text }) => text), { context, text: "Background task completed" });
  await hooks.dispose();
});

test("what is long past is forgotten", async () => {
  const { asked, heard, refused, sessions } = rig();
  for (let number = 0; number < 2_000; number++) heard({ id: `ses_${number}`, metadata: { handoff: MARK } });
  sessions.ses_0 = {};
  assert.equal(await refused("ses_0"), null);
  assert.deepEqual(asked, ["ses_0"]);
});
