import assert from "node:assert/strict";
import { test } from "node:test";
import { MeantThrow } from "../../plugin-shim/lib/failures.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { Sessions, used } from "../../plugin-shim/lib/sessions.js";
import { fake, openCode, stayAlive, until } from "./support.js";

stayAlive();

const MODEL = { providerID: "scripted", modelID: "m1" };

/** The plugin with a sidecar that has told its floors. */
async function watching() {
  const { input, asked, toasts } = openCode();
  const plugin = new Plugin({ argv: ["bun", "index.js", "serve"], waitMs: { quiet: 0 } });
  const { sessions } = plugin;
  const hooks = plugin.open(input, { command: fake("watches") });
  await until(() => sessions.isOfInterest(input.directory, { tokens: { total: 1_000 }, ...MODEL }));
  return { hooks, asked, toasts, sessions, directory: input.directory };
}

/** @param {any} hooks */
async function seen(hooks) {
  const answer = await hooks.tool.read_session.execute({}, { sessionID: "ses_1" });
  return answer.metadata.seen;
}

/** @param {number | undefined} total */
function request(total, sessionID = "ses_1") {
  const user = {
    info: { id: "msg_1", role: "user", sessionID, model: MODEL },
    parts: [{ id: "prt_1", type: "text" }],
  };
  const step = {
    info: { id: "msg_2", role: "assistant", sessionID, finish: "tool-calls", tokens: { total }, ...MODEL },
  };
  return { messages: total === undefined ? [user] : [user, { ...step, parts: [] }] };
}

/** @param {any} hooks @param {string} type @param {any} properties */
const happens = (hooks, type, properties) => hooks.event({ event: { type, properties } });

test("a request of a session that is full is asked about, and the answer stands in its last user message", async () => {
  const { hooks, directory } = await watching();
  const output = request(6_000);
  const [user] = output.messages;
  await hooks["experimental.chat.messages.transform"]({}, output);
  assert.deepEqual(user?.parts[1], { id: "prt_11", type: "text", text: "hand off now" });
  const { steps } = await seen(hooks);
  assert.deepEqual(steps[0].sighting, {
    sessionID: "ses_1",
    turn: "msg_1",
    tokens: { total: 6_000 },
    ...MODEL,
  });
  assert.equal(steps[0].context.directory, directory);
  await hooks.dispose();
});

test("below the floor, in a compaction, and with another model nothing is asked", async () => {
  const { hooks } = await watching();
  const others = [request(undefined), request(999), request(Number.NaN), { messages: [] }];
  const other = request(6_000);
  Object.assign(other.messages[0]?.info ?? {}, { model: { providerID: "scripted", modelID: "m2" } });
  const compaction = request(6_000);
  const context = { context: [] };
  await hooks["experimental.session.compacting"]({ sessionID: "ses_1" }, context);
  for (const output of [compaction, ...others, other]) {
    await hooks["experimental.chat.messages.transform"]({}, output);
  }
  assert.deepEqual(context.context, ["keep the goal"]);
  assert.deepEqual((await seen(hooks)).steps, []);
  await hooks["experimental.chat.messages.transform"]({}, request(1_000));
  assert.equal((await seen(hooks)).steps.length, 1);
  await hooks.dispose();
});

test("the end of a turn is told of for a session that is full, and its last real step counts", async () => {
  const { hooks } = await watching();
  const info = { role: "assistant", sessionID: "ses_1", ...MODEL };
  happens(hooks, "message.updated", { info: { ...info, tokens: { total: 500 } } });
  happens(hooks, "session.idle", { sessionID: "ses_1" });
  for (const repeat of [1, 2, 3])
    happens(hooks, "message.updated", { info: { ...info, tokens: { total: 4_000 + repeat } } });
  happens(hooks, "message.updated", { info: { ...info, tokens: { total: 0 }, error: {} } });
  happens(hooks, "message.updated", { info: { ...info, tokens: { total: 9_000 }, summary: true } });
  happens(hooks, "message.part.delta", { sessionID: "ses_1", delta: "x" });
  happens(hooks, "session.idle", { sessionID: "ses_unknown" });
  happens(hooks, "session.idle", { sessionID: "ses_1" });
  happens(hooks, "session.compacted", { sessionID: "ses_1" });
  happens(hooks, "session.idle", { sessionID: "ses_1" });
  const { events } = await seen(hooks);
  assert.deepEqual(
    events.map((/** @type {any} */ { type, sighting }) => [type, sighting]),
    [["session.idle", { sessionID: "ses_1", tokens: { total: 4_003 }, ...MODEL }]],
  );
  await hooks.dispose();
});

test("of a message of ours it is told that it is stored, and its parts; of a person's nothing", async () => {
  const { hooks } = await watching();
  for (const [sessionID, id] of [
    ["ses_2", "msg_ours"],
    ["ses_1", "msg_theirs"],
  ]) {
    const info = { id, sessionID, role: "user", agent: "build", model: MODEL };
    const metadata = id === "msg_ours" ? { handoff: { by: "handoff-sidecar" } } : {};
    const part = { id: `prt_${id}`, sessionID, messageID: id, type: "text", text: "the prompt", metadata };
    await hooks["chat.message"]({ sessionID }, { message: info, parts: [part] });
    happens(hooks, "message.updated", { info: { ...info, time: { created: 1 } } });
    happens(hooks, "message.part.updated", { part });
  }
  const { events } = await seen(hooks);
  assert.deepEqual(events, [
    {
      type: "message.updated",
      info: { id: "msg_ours", sessionID: "ses_2", role: "user", agent: "build", model: MODEL },
    },
    {
      type: "message.part.updated",
      part: { id: "prt_msg_ours", sessionID: "ses_2", messageID: "msg_ours" },
    },
  ]);
  await hooks.dispose();
});

test("a handed-off session does not go on by itself after a compaction; any other does", async () => {
  const { hooks } = await watching();
  const [over, other] = [{ enabled: true }, { enabled: true }];
  await hooks["experimental.compaction.autocontinue"]({ sessionID: "ses_over" }, over);
  await hooks["experimental.compaction.autocontinue"]({ sessionID: "ses_1" }, other);
  assert.deepEqual([over.enabled, other.enabled], [false, true]);
  await hooks.dispose();
});

test("a command of ours ends in a throw that is meant, after the sidecar has carried it out", async () => {
  const { hooks, directory } = await watching();
  const before = hooks["command.execute.before"];
  const command = { command: "handoff-now", sessionID: "ses_1", arguments: "fix it" };
  await assert.rejects(before(command, { parts: [] }), (/** @type {any} */ error) => {
    const context = { sessionID: "ses_1", directory, worktree: directory, activeSessionID: "ses_1" };
    assert.deepEqual(JSON.parse(error.message), { name: "handoff-now", arguments: "fix it", context });
    return error instanceof MeantThrow;
  });
  await before({ ...command, command: "handoff" }, { parts: [] });
  await before({ ...command, command: "init" }, { parts: [] });
  await hooks.config({ command: { "handoff-now": { template: "mine" } } });
  await before(command, { parts: [] });
  await hooks.dispose();
});

test("the end of a turn in a chain, a deleted session and a deleted message are told, of which the search keeps an index", async () => {
  const { hooks, directory } = await watching();
  const metadata = { handoff: { from: "ses_0" } };
  happens(hooks, "session.updated", { info: { id: "ses_2", metadata } });
  happens(hooks, "session.updated", { info: { id: "ses_3", metadata: { other: 1 } } });
  for (const sessionID of ["ses_2", "ses_3"]) happens(hooks, "session.idle", { sessionID });
  const info = { id: "ses_2", projectID: "prj_1", directory, title: "What it was about" };
  happens(hooks, "session.deleted", { info });
  happens(hooks, "session.deleted", {});
  happens(hooks, "message.removed", { sessionID: "ses_2", messageID: "msg_1" });
  const { events } = await seen(hooks);
  assert.equal(events.length, 3);
  assert.deepEqual(events[0].sighting, { sessionID: "ses_2" });
  const { id, projectID } = info;
  assert.deepEqual(events[1], { type: "session.deleted", directory, info: { id, projectID, directory } });
  assert.deepEqual(events[2], { type: "message.removed", directory, sessionID: id, messageID: "msg_1" });
  await hooks.dispose();
});

test("without a sidecar a command of ours asks no model either, and a toast says why", async () => {
  const { input, toasts } = openCode();
  const hooks = new Plugin().open(input, { command: ["/nowhere/python"] });
  const call = hooks["command.execute.before"](
    { command: "handoff-now", sessionID: "ses_1", arguments: "" },
    {},
  );
  await assert.rejects(call, MeantThrow);
  const [toast] = await until(() => toasts().length > 0 && toasts());
  assert.match(
    toast.message,
    /^\/handoff-now failed: the sidecar's program could not be started .*Nothing was made/,
  );
  await hooks.dispose();
});

test("the active session is the one that a person typed in last: no prompt of ours, no subagent's", () => {
  const sessions = new Sessions();
  assert.equal(sessions.active, null);
  sessions.arrived("ses_1", "msg_1", "a person");
  sessions.arrived("ses_2", "msg_2", "us");
  sessions.arrived("ses_3", "msg_3", "a plugin");
  sessions.arrived("ses_4", "msg_4", "a person");
  sessions.seen({ id: "ses_4", parentID: "ses_2" });
  assert.equal(sessions.active, "ses_1");
  assert.deepEqual([sessions.awaited.has("ses_2"), sessions.awaited.has("ses_1")], [true, false]);
  sessions.arrived("ses_2", "msg_5", "a person");
  assert.equal(sessions.active, "ses_2");
  assert.equal(sessions.awaited.has("ses_2"), false);
});

test("what is remembered has an end", () => {
  const sessions = new Sessions();
  for (let number = 0; number < 2_000; number++) {
    sessions.stepped({ role: "assistant", sessionID: `ses_${number}`, tokens: { total: 1 }, ...MODEL });
  }
  assert.equal(sessions.lastSteps.get("ses_0"), undefined);
  assert.ok(sessions.lastSteps.get("ses_1999"));
});

test("tokens are counted as OpenCode counts them, and rubbish is none", () => {
  assert.equal(used({ total: 9, input: 1 }), 9);
  assert.equal(used({ input: 1, output: 2, reasoning: 50, cache: { read: 4, write: 8 } }), 15);
  for (const rubbish of [undefined, null, {}, { total: "many" }, { input: Number.NaN }, { cache: 5 }]) {
    assert.equal(used(rubbish), 0);
  }
});

test("after a handoff the request holds what was asked and the call, and of other steps that there were some", async () => {
  const { hooks } = await watching();
  const { messages } = request(6_000);
  const [user, read] = messages;
  const done = { tool: "session_handoff", state: { metadata: { sessionID: "ses_2" } } };
  const info = {
    id: "msg_3",
    role: "assistant",
    sessionID: "ses_1",
    finish: "tool-calls",
    parentID: "msg_1",
  };
  const call = { info, parts: [done] };
  const output = { messages: [{ info: { id: "msg_0", role: "user" }, parts: [] }, user, read, call] };
  const array = output.messages;

  await hooks["experimental.chat.messages.transform"]({}, output);

  assert.equal(output.messages, array, "OpenCode goes on with the same array");
  assert.deepEqual(output.messages, [user, { ...read, parts: [{ type: "text", text: "…" }] }, call]);
  await hooks.dispose();
});
