import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { fake, openCode, stayAlive } from "./support.js";

stayAlive();
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

/**
 * Eight hours of work: a turn a minute with ten steps each, and in each step half a minute of streamed text at ten
 * pieces a second, of which OpenCode tells one by one; a new session every five turns, subagents among them.
 */
const TURNS = 8 * 60;
const STEPS_A_TURN = 10;
const PIECES_A_STEP = 60;
const TURNS_A_SESSION = 5;
const DIRECTORY = "/home/ada/dashboard";

test("a day's events leave nothing behind in OpenCode's memory", async () => {
  const plugin = new Plugin({ argv: ["bun", "index.js", "serve"] });
  const { input } = openCode({ directory: DIRECTORY });
  const hooks = plugin.open(input, { command: fake("well") });
  await hooks.tool.read_session.execute({}, { sessionID: "ses_1", directory: DIRECTORY }); // it is up then
  let told = 0;

  /** @param {string} type @param {object} properties */
  const tell = async (type, properties) => {
    told += 1;
    await hooks.event({ event: { type, properties } });
  };
  /** @param {number} day @param {number} pieces */
  async function live(day, pieces) {
    for (let turn = 0; turn < TURNS; turn++) {
      const sessionID = `ses_${day}x${Math.floor(turn / TURNS_A_SESSION)}`;
      const messageID = `msg_${day}x${turn}`;
      await tell("session.created", {
        info: { id: sessionID, parentID: turn % 3 ? undefined : "ses_parent" },
      });
      const typed = { input: { sessionID }, output: { message: { id: messageID, sessionID }, parts: [] } };
      await hooks["chat.message"](typed.input, typed.output);
      for (let step = 0; step < STEPS_A_TURN; step++) {
        const tokens = { total: 1_000 * step, input: 0, output: 0, cache: { read: 0, write: 0 } };
        const info = {
          id: `${messageID}s${step}`,
          sessionID,
          role: "assistant",
          tokens,
          providerID: "p",
          modelID: "m",
        };
        for (let piece = 0; piece < pieces; piece++) {
          await tell("message.part.updated", {
            part: { id: `prt_${piece}`, sessionID, text: "x".repeat(200) },
          });
        }
        for (let time = 0; time < 3; time++) await tell("message.updated", { sessionID, info });
        const user = { info: { id: messageID, sessionID, role: "user" }, parts: [] };
        await hooks["experimental.chat.messages.transform"]({}, { messages: [user, { info, parts: [] }] });
      }
      await tell("session.idle", { sessionID });
      await tell("session.idle", { sessionID });
    }
  }

  for (let day = 0; day < 6; day++) await live(day, 0); // what is remembered at most is full then
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  told = 0;
  await live(6, PIECES_A_STEP);
  collectGarbage();
  const grownKB = (process.memoryUsage().heapUsed - before) / 1_000;
  assert.ok(told > 300_000, `${told} events`);
  assert.ok(grownKB < 500, `${told} events have left ${grownKB.toFixed(0)} kB`);
  await hooks.dispose();
});
