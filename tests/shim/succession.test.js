import assert from "node:assert/strict";
import { test } from "node:test";
import { MeantThrow } from "../../plugin-shim/lib/errors.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { Sessions } from "../../plugin-shim/lib/sessions.js";
import { attach, fake, isRunning, openCode, stayAlive, until } from "./support.js";

stayAlive();

let messages = 0;

/** The plugin, with a sidecar that hands off to the session that a call names. */
async function working(behaviour = "hands off") {
  const { input } = openCode();
  const sessions = new Sessions();
  const hooks = await attach(new Plugin({ sessions }), input, { command: fake(behaviour) });
  /** @param {string} type @param {any} properties */
  const happens = (type, properties) => hooks.event({ event: { type, properties } });
  /** A message of a person's, unless it is said to be another's. @param {string} sessionID */
  const writes = async (sessionID, synthetic = false) => {
    const id = `msg_${++messages}`;
    const parts = [{ id: `prt_${id}`, type: "text", text: "do it", synthetic }];
    await hooks["chat.message"]({ sessionID }, { message: { id, sessionID, role: "user" }, parts });
    return id;
  };
  /** The agent begins a step of its answer. @param {string} sessionID @param {string} parentID */
  const answers = (sessionID, parentID) =>
    happens("message.updated", { info: { id: "msg_a", role: "assistant", sessionID, parentID } });
  /** @param {string} sessionID @param {string} to */
  const handsOff = (sessionID, to, tool = "session_handoff") =>
    hooks.tool[tool].execute({ to }, { sessionID, messageID: "msg_a" });
  /** Why a tool is not run, or null. @param {string} sessionID */
  const refusal = async (sessionID, tool = "write") => {
    try {
      await hooks["tool.execute.before"]({ tool, sessionID, callID: "call_1" }, { args: {} });
      return null;
    } catch (error) {
      assert.ok(error instanceof MeantThrow);
      return error.message;
    }
  };
  return { hooks, sessions, happens, writes, answers, handsOff, refusal };
}

test("in a session that was handed off no tool is run until a person writes there", async () => {
  const { hooks, writes, handsOff, refusal } = await working();
  await writes("ses_old");
  assert.equal(await refusal("ses_old"), null);
  await handsOff("ses_old", "ses_new");
  for (const tool of ["write", "bash", "task", "read_session", "a_tool_of_an_mcp_server"]) {
    assert.match(
      (await refusal("ses_old", tool)) ?? "",
      /goes on in `ses_new`.* nothing was done.* Then stop\.$/,
    );
  }
  for (const other of ["ses_new", "ses_other"]) assert.equal(await refusal(other), null);
  await writes("ses_other");
  await writes("ses_old", true);
  assert.notEqual(await refusal("ses_old"), null);
  await writes("ses_old");
  assert.equal(await refusal("ses_old"), null);
  await hooks.dispose();
});

test("a message that was queued before or beside the handoff does not count", async () => {
  const { hooks, writes, handsOff, refusal } = await working();
  await writes("ses_old");
  await writes("ses_old");
  const handoff = handsOff("ses_old", "ses_new");
  await writes("ses_old");
  await handoff;
  assert.notEqual(await refusal("ses_old"), null);
  await hooks.dispose();
});

test("subagents of that session are refused too, and no others", async () => {
  const { hooks, happens, handsOff, refusal, writes } = await working();
  const tree = {
    ses_child: "ses_old",
    ses_grandchild: "ses_child",
    ses_other: "ses_new",
    ses_odd: "ses_odd",
  };
  for (const [id, parentID] of Object.entries(tree))
    await happens("session.created", { info: { id, parentID } });
  await handsOff("ses_old", "ses_new");
  assert.match((await refusal("ses_child")) ?? "", /`ses_new`/);
  assert.match((await refusal("ses_grandchild")) ?? "", /`ses_new`/);
  assert.deepEqual([await refusal("ses_other"), await refusal("ses_odd")], [null, null]);
  await writes("ses_old");
  assert.equal(await refusal("ses_grandchild"), null);
  await hooks.dispose();
});

test("called again in the same turn session_handoff is run, and in a queued message's it is not", async () => {
  const { hooks, writes, answers, handsOff, refusal } = await working();
  const [first, queued] = [await writes("ses_old"), await writes("ses_old")];
  await answers("ses_old", first);
  await handsOff("ses_old", "ses_new");
  await answers("ses_old", first);
  assert.equal(await refusal("ses_old", "session_handoff"), null);
  await answers("ses_old", queued);
  assert.match((await refusal("ses_old", "session_handoff")) ?? "", /`ses_new`/);
  await hooks.dispose();
});

test("a second answer with the same session does not undo what the person has written since", async () => {
  const { hooks, writes, handsOff, refusal } = await working();
  await handsOff("ses_old", "ses_new");
  await writes("ses_old");
  await handsOff("ses_old", "ses_new");
  assert.equal(await refusal("ses_old"), null);
  await handsOff("ses_old", "ses_newer");
  assert.match((await refusal("ses_old")) ?? "", /`ses_newer`/);
  await hooks.dispose();
});

test("a command that hands off counts as well, and one that does not does not", async () => {
  const { hooks, writes, refusal } = await working();
  await writes("ses_old");
  const command = { command: "handoff-now", sessionID: "ses_old" };
  await assert.rejects(hooks["command.execute.before"]({ ...command, arguments: "" }, {}), MeantThrow);
  assert.equal(await refusal("ses_old"), null);
  await assert.rejects(hooks["command.execute.before"]({ ...command, arguments: "ses_new" }, {}), MeantThrow);
  assert.match((await refusal("ses_old")) ?? "", /`ses_new`/);
  await hooks.dispose();
});

test("after a look back, and after a handoff that failed, everything is as before", async () => {
  const { hooks, handsOff, refusal } = await working();
  await handsOff("ses_old", "ses_older", "read_session");
  assert.equal(await refusal("ses_old"), null);
  await hooks.dispose();
  const failing = await working("refuses a call");
  await assert.rejects(failing.handsOff("ses_old", "ses_new"));
  assert.equal(await failing.refusal("ses_old"), null);
  await failing.hooks.dispose();
});

test("it outlives the sidecar, and is forgotten when the new session is removed", async () => {
  const { hooks, happens, handsOff, refusal } = await working();
  const { metadata } = await handsOff("ses_old", "ses_new");
  process.kill(metadata.pid);
  await until(() => !isRunning(metadata.pid));
  await handsOff("ses_2", "ses_new_2");
  assert.notEqual(await refusal("ses_old"), null);
  await happens("session.deleted", { info: { id: "ses_new" } });
  assert.equal(await refusal("ses_old"), null);
  assert.notEqual(await refusal("ses_2"), null);
  await hooks.dispose();
});

test("a handoff that is long past is forgotten", async () => {
  const sessions = new Sessions();
  for (let number = 0; number < 2_000; number++) sessions.handedOff(`ses_${number}`, "ses_new", null);
  assert.deepEqual([sessions.handoffOf("ses_0"), sessions.handoffOf("ses_1999")?.to], [null, "ses_new"]);
});
