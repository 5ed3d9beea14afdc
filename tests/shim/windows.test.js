import assert from "node:assert/strict";
import { test } from "node:test";
import { MANIFEST } from "../../plugin-shim/lib/manifest.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { TO_SERVER, TO_WINDOWS } from "../../plugin-shim/tui/wire.js";
import { openCode, stayAlive, until } from "./support.js";

stayAlive();

const FROM_OLD = { from: "ses_old", to: "ses_new" };

/** The plugin, what it says to windows, and a way to be one of them. */
function opened() {
  const { input, asked } = openCode();
  const plugin = new Plugin({ argv: ["bun", "index.js", "serve"] });
  const hooks = plugin.open(input);
  /** @param {string} window @param {any} said */
  const says = (window, said) => hooks.event({ event: TO_SERVER.write({ window, ...said }) });
  const heard = () =>
    asked.filter(({ path }) => path === "/tui/publish").map(({ body }) => TO_WINDOWS.read(body));
  /** @param {string} verb */
  const hears = (verb) => until(() => heard().findLast((said) => said.verb === verb));
  return { plugin, hooks, says, heard, hears };
}

test("a window that says what it shows is given a number, our commands, and its model's points", async () => {
  const { plugin, says, heard, hears } = opened();
  await says("w1", { verb: "shows", session: "ses_old", model: "scripted/m1" });
  const hello = await hears("hello");
  assert.equal(hello.window, "w1");
  assert.ok(hello.names.includes("handoff-now") && !hello.names.includes("handoff"));
  plugin.windows.setPoints("/home/ada/projects/dashboard", { "scripted/m1": [192_000, null] });
  await until(() => heard().some((said) => said.verb === "hello" && said.points?.[0] === 192_000));
  assert.notEqual((await hears("hello")).number, hello.number);
});

test("the window that shows the old session is asked to move, and the request of the sidecar's does not go out", async () => {
  const { plugin, says, hears } = opened();
  await says("w1", { verb: "shows", session: "ses_old", model: "" });
  await says("w2", { verb: "shows", session: "ses_other", model: "" });
  const answer = plugin.windows.move(FROM_OLD);
  const { window, move, from, to } = await hears("move");
  assert.deepEqual([window, from, to], ["w1", "ses_old", "ses_new"]);
  await says("w1", { verb: "moved", move });
  assert.equal(await answer, true);
});

test("where every window shows another session none moves", async () => {
  const { plugin, says, heard } = opened();
  await says("w1", { verb: "shows", session: "ses_other", model: "" });
  assert.equal(await plugin.windows.move(FROM_OLD), false);
  assert.deepEqual(
    heard().filter(({ verb }) => verb === "move"),
    [],
  );
});

test("without a window, or with one that is silent, all is as without a companion, and the silent one is forgotten", async () => {
  const { plugin, says, heard } = opened();
  assert.equal(await plugin.windows.move(FROM_OLD), null);
  assert.equal(await plugin.windows.move({ from: undefined, to: "ses_new" }), null);
  await says("w1", { verb: "shows", session: "ses_old", model: "" });
  const began = Date.now();
  assert.equal(await plugin.windows.move(FROM_OLD), null);
  assert.ok(Date.now() - began >= MANIFEST.waitMs.window - 5);
  const moves = heard().filter(({ verb }) => verb === "move").length;
  assert.equal(await plugin.windows.move(FROM_OLD), null);
  assert.equal(heard().filter(({ verb }) => verb === "move").length, moves, "it is not asked again");
});

test("a command is carried out for its number alone, and only once", async () => {
  const { plugin, says, hears, heard } = opened();
  /** @type {any[]} */
  const calls = [];
  plugin.call = /** @type {any} */ (
    async (/** @type {string} */ _, /** @type {any} */ params) => {
      calls.push(params);
      return { done: true, text: "" };
    }
  );
  await says("w1", { verb: "shows", session: "ses_old", model: "" });
  const { number } = await hears("hello");
  const command = { verb: "run", name: "handoff-now", words: "mend it" };
  await says("w1", { ...command, number: "made up" });
  await says("w1", { ...command, number, name: "handoff" });
  await says("w2", { ...command, number });
  assert.deepEqual(
    heard().filter(({ verb }) => verb === "took"),
    [],
  );
  await says("w1", { ...command, number });
  await hears("done");
  await says("w1", { ...command, number });
  assert.equal(calls.length, 1);
  assert.equal(calls[0].name, "handoff-now");
  assert.equal(calls[0].arguments, "mend it");
  assert.equal(calls[0].context.sessionID, "ses_old");
  assert.equal((await hears("took")).number, number);
});

test("a command that goes out a second time as usual is done once", async () => {
  const { plugin, hooks, says, hears } = opened();
  let calls = 0;
  /** @type {(answer: any) => void} */
  let end = () => {};
  plugin.call = () => {
    calls += 1;
    return new Promise((resolve) => {
      end = resolve;
    });
  };
  await says("w1", { verb: "shows", session: "ses_old", model: "" });
  const { number } = await hears("hello");
  await says("w1", { verb: "run", name: "handoff-now", words: "", number });
  const usual = hooks["command.execute.before"]({
    command: "handoff-now",
    sessionID: "ses_old",
    arguments: "",
  });
  await until(() => calls > 0);
  end({ done: true, text: "made" });
  await assert.rejects(usual, /made/);
  assert.equal(calls, 1);
});

test("the person is where a window shows the session, wherever they typed last", async () => {
  const { plugin, says } = opened();
  const { windows } = plugin;
  assert.equal(windows.active("ses_a", "ses_b"), "ses_b");
  await says("w1", { verb: "shows", session: "ses_a", model: "" });
  await says("w2", { verb: "shows", session: "ses_c", model: "" });
  assert.equal(windows.active("ses_a", "ses_b"), "ses_a");
  assert.equal(windows.active("ses_x", "ses_b"), "ses_c");
  await says("w2", { verb: "shows" });
  await says("w1", { verb: "shows", session: "not an id" });
  assert.equal(windows.active("ses_a", "ses_b"), "ses_b");
});
