import assert from "node:assert/strict";
import { test } from "node:test";
import { MeantThrow } from "../../plugin-shim/lib/failures.js";
import { Lock, lockOf } from "../../plugin-shim/lib/lock.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { fake, noLog, openCode, stayAlive, until } from "./support.js";

stayAlive();

const MARK = { to: "ses_new", of: "ses_old", turn: "msg_05", at: 1_000 };

/** Sessions as OpenCode keeps them, and a lock that looks at them. @param {Record<string, any>} [sessions] */
function rig(sessions = { ses_old: { metadata: { handoff: MARK } } }) {
  /** @type {string[]} */
  const asked = [];
  /** @type {string[]} */
  const lines = [];
  /** @type {any[]} */
  const lifted = [];
  const lock = new Lock();
  const api = {
    /** @param {string} id */
    session: async (id) => {
      asked.push(id);
      if (sessions[id] instanceof Error) throw sessions[id];
      return structuredClone({ id, ...sessions[id] });
    },
    /** @param {string} id @param {any} metadata */
    setMetadata: async (id, metadata) => {
      sessions[id].metadata = metadata;
    },
    lifted: (/** @type {any} */ mark) => lifted.push(mark),
    log: (/** @type {string} */ _level, /** @type {string} */ line) => lines.push(line),
  };
  /** Where the work went on, or null. */
  const refused = async (sessionID = "ses_old", tool = "write", turn = "msg_06") =>
    (await lock.refusal({ tool, sessionID, turn }, api))?.to ?? null;
  return { api, asked, lifted, lines, lock, refused, sessions };
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
  for (const revert of [{ messageID: "msg_06" }, { messageID: "msg_05", partID: "prt_2" }, "odd"])
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

test("a person's message after the handoff unlocks at once, for good, and is written down", async () => {
  const { api, lifted, lock, refused, sessions } = rig();
  lock.written("ses_old", 900, api); // queued before
  assert.equal(await refused(), "ses_new");
  lock.written("ses_old", 1_100, api);
  assert.equal(await refused(), null);
  await until(() => sessions.ses_old?.metadata.handoff.lifted === 1_100);
  assert.deepEqual(sessions.ses_old?.metadata.handoff, { ...MARK, lifted: 1_100 });
  assert.equal(lifted.length, 1);
  // An event that was on its way before that was written.
  lock.heard({ id: "ses_old", metadata: { handoff: MARK } }, api);
  assert.equal(await refused(), null);
  assert.equal(lifted.length, 1);
  // Handed off again, it is left again.
  lock.heard({ id: "ses_old", metadata: { handoff: { ...MARK, to: "ses_newer", at: 2_000 } } }, api);
  assert.equal(await refused(), "ses_newer");
});

test("a person who writes before the mark is known has written all the same", async () => {
  const { api, lock, refused, sessions } = rig();
  lock.written("ses_old", 1_100, api);
  assert.equal(await refused(), null);
  await until(() => sessions.ses_old?.metadata.handoff.lifted === 1_100);
});

test("a handoff whose turn was undone doesn't lock when OpenCode has removed that turn, whoever prompts", async () => {
  const { api, lifted, lock, refused, sessions } = rig();
  lock.heard({ id: "ses_old", revert: { messageID: "msg_05" }, metadata: { handoff: MARK } }, api);
  lock.removed("msg_05");
  lock.heard({ id: "ses_old", metadata: { handoff: MARK } }, api);
  assert.equal(await refused(), null);
  await until(() => sessions.ses_old?.metadata.handoff.lifted);
  assert.equal(lifted.length, 1, "the new session may be at work");
  const { refused: refusedAfterRedo, lock: another, api: anothersApi } = rig();
  another.heard({ id: "ses_old", revert: { messageID: "msg_05" }, metadata: { handoff: MARK } }, anothersApi);
  another.heard({ id: "ses_old", metadata: { handoff: MARK } }, anothersApi);
  assert.equal(await refusedAfterRedo(), "ses_new");
});

test("a mark that another plugin has overwritten stands and is written again, but not without end", async () => {
  const { api, lock, refused, sessions } = rig();
  assert.equal(await refused(), "ses_new");
  for (let time = 0; time < 5; time++) {
    const theirs = { id: "ses_old", metadata: { theirs: time } };
    sessions.ses_old = theirs;
    lock.heard(theirs, api);
    assert.equal(await refused(), "ses_new");
    if (time < 3) {
      await until(() => sessions.ses_old?.metadata.handoff);
      assert.deepEqual(sessions.ses_old?.metadata, { theirs: time, handoff: MARK });
      lock.heard({ id: "ses_old", ...sessions.ses_old }, api);
    }
  }
  assert.deepEqual(sessions.ses_old?.metadata, { theirs: 4 });
});

test("a handoff that was taken back unlocks, and so does the end of the new session", async () => {
  const { api, lock, refused } = rig();
  assert.equal(await refused(), "ses_new");
  lock.heard({ id: "ses_old", metadata: { handoff: { to: null } } }, api);
  assert.equal(await refused(), null);
  lock.heard({ id: "ses_old", metadata: { handoff: MARK } }, api);
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
  const { api, lock, refused } = rig();
  let answer = (/** @type {any} */ _) => {};
  const late = { ...api, session: () => new Promise((resolve) => (answer = resolve)) };
  const call = { tool: "write", sessionID: "ses_old", turn: "msg_06" };
  assert.equal(await lock.refusal(call, late), null);
  assert.equal(await lock.refusal(call, late), null);
  answer({ id: "ses_old", metadata: { handoff: MARK } });
  await until(() => refused);
  assert.equal(await refused(), "ses_new");
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

test("a handoff waits for the other calls of its session and of its subagents, and for no other", async () => {
  const { api, lock } = rig();
  lock.heard({ id: "ses_child", parentID: "ses_old" }, api);
  const began = (/** @type {string} */ callID, tool = "bash", sessionID = "ses_old") =>
    lock.began({ tool, sessionID, callID });
  began("handoff", "session_handoff");
  began("look", "read");
  began("delegate", "task");
  began("elsewhere", "bash", "ses_other");
  await lock.alone({ sessionID: "ses_old", callID: "handoff" });
  began("own");
  began("subagents", "write", "ses_child");
  let isAlone = false;
  const alone = lock.alone({ sessionID: "ses_old", callID: "handoff" }).then(() => {
    isAlone = true;
  });
  lock.ended("own");
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!isAlone);
  lock.idle("ses_child");
  await alone;
  began("stuck");
  const signal = AbortSignal.abort();
  await assert.rejects(lock.alone({ sessionID: "ses_old", callID: "handoff", signal }));
});

test("in OpenCode the refusal is an error that the agent reads, and a person hears of the session that is busy", async () => {
  const sessions = {
    ses_old: { id: "ses_old", metadata: { handoff: MARK } },
    ses_new: { id: "ses_new", title: "Handoff: Auth", metadata: { handoff: { to: "ses_newest" } } },
    ses_newest: { id: "ses_newest", title: "Handoff: Auth (2)" },
  };
  const { input, toasts } = openCode({
    answer: (request) => {
      const path = new URL(request.url).pathname;
      if (path === "/session/status") return Response.json({ ses_newest: { type: "busy" } });
      return Response.json(/** @type {any} */ (sessions)[path.split("/")[2] ?? ""] ?? true);
    },
  });
  const hooks = new Plugin().open(input, { command: fake("well") });
  const call = { tool: "write", sessionID: "ses_old", callID: "call_1" };
  await assert.rejects(hooks["tool.execute.before"](call, { args: {} }), (error) => {
    assert.ok(error instanceof MeantThrow);
    assert.match(error.message, /goes on in `ses_new`.* nothing was done.* Then stop\.$/);
    return true;
  });
  const writes = (/** @type {any} */ part) =>
    hooks["chat.message"](
      { sessionID: "ses_old" },
      {
        message: { id: "msg_9", time: { created: Date.now() } },
        parts: [{ type: "text", text: "go on", ...part }],
      },
    );
  await writes({ metadata: { handoff: { by: "plugin" } } });
  await writes({ ignored: true });
  await writes({ synthetic: true });
  await assert.rejects(hooks["tool.execute.before"](call, { args: {} }), MeantThrow);
  await writes({});
  await hooks["tool.execute.before"](call, { args: {} });
  await until(() => toasts().length > 0);
  assert.equal(
    toasts()[0].message,
    'The work went on in "Handoff: Auth (2)", which is still busy in this folder.',
  );
  await hooks.dispose();
});

test("what arrives in a session that was left goes to the sidecar, and what arrives elsewhere does not", async () => {
  const { input } = openCode({
    answer: (request) => {
      const id = new URL(request.url).pathname.split("/")[2];
      return Response.json(id === "ses_old" ? { id, metadata: { handoff: MARK } } : { id });
    },
  });
  const hooks = new Plugin().open(input, { command: fake("well") });
  const arrives = (/** @type {string} */ sessionID, /** @type {any} */ part) =>
    hooks["chat.message"]({ sessionID }, { message: { id: `msg_${sessionID}` }, parts: [part] });
  const result = { type: "text", text: "Background task completed", synthetic: true };
  await arrives("ses_other", result);
  await arrives("ses_old", { ...result, ignored: true });
  await arrives("ses_old", { ...result, metadata: { handoff: { by: "handoff-sidecar" } } });
  await arrives("ses_old", result);
  const events = async () =>
    (await hooks.tool.read_session.execute({}, { sessionID: "ses_other" })).metadata.seen.events;
  /** @type {any[]} */
  let seen = [];
  while (seen.length === 0) seen = await events();
  const context = { sessionID: "ses_old", directory: input.directory, worktree: input.directory };
  assert.deepEqual(seen, [
    { context: { ...context, activeSessionID: null }, text: "Background task completed" },
  ]);
  await hooks.dispose();
});

test("what is long past is forgotten", async () => {
  const { api, asked, lock, refused, sessions } = rig();
  for (let number = 0; number < 2_000; number++) {
    lock.heard({ id: `ses_${number}`, metadata: { handoff: MARK } }, { ...api, log: noLog });
  }
  sessions.ses_0 = {};
  assert.equal(await refused("ses_0"), null);
  assert.deepEqual(asked, ["ses_0"]);
});
