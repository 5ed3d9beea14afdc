import assert from "node:assert/strict";
import { test } from "node:test";
import { marksPrompts } from "../../plugin-shim/lib/host.js";
import { arriving, writerOf } from "../../plugin-shim/lib/sessions.js";

/** The client that all plugins of an instance share, as OpenCode 1.x makes it. */
function shared() {
  /** @type {((request: Request, options?: any) => Promise<Request>)[]} */
  const interceptors = [];
  const getConfig = () => assert.fail("it is not asked");
  const client = { getConfig, interceptors: { request: { use: interceptors.push.bind(interceptors) } } };
  /** What OpenCode gets. @param {string} path @param {any} body @param {any} [options] */
  const sends = async (path, body, options) => {
    let request = new Request(`http://localhost:4096${path}`, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
    for (const interceptor of interceptors) request = await interceptor(request, options);
    return request.text();
  };
  return { client, interceptors, sends };
}

const text = (/** @type {any} */ fields = {}) => ({ type: "text", text: "go on", ...fields });

test("a message is a person's unless a plugin, OpenCode or this plugin wrote it", () => {
  assert.equal(writerOf([text()]), "a person");
  assert.equal(writerOf([{ type: "file", url: "data:,x" }]), "a person");
  assert.equal(writerOf([text(), text({ synthetic: true })]), "a person");
  assert.equal(writerOf([text({ metadata: { theirs: 1 } })]), "a person");
  for (const parts of [[], [null], [text({ synthetic: true })], [text({ ignored: true })]])
    assert.equal(writerOf(parts), "nobody");
  assert.equal(writerOf([text({ metadata: { handoff: { by: "plugin" } } }), { type: "file" }]), "a plugin");
  assert.equal(writerOf([text({ metadata: { handoff: { by: "handoff-sidecar" } } })]), "us");
  assert.equal(writerOf([text({ text: "Your task is done.\n<!-- OMO_INTERNAL_INITIATOR -->" })]), "a plugin");
});

test("what a plugin prompts through the shared client says so when it arrives, and keeps all else", async () => {
  const { client, interceptors, sends } = shared();
  assert.ok(marksPrompts(client));
  assert.ok(marksPrompts(client), "a second copy of the plugin gets the same client");
  assert.equal(interceptors.length, 1);
  const body = {
    agent: "plan",
    parts: [text({ metadata: { theirs: 1 } }), { type: "file", url: "data:,x" }],
  };
  for (const path of ["/session/ses_1/prompt_async", "/session/ses_1/message"]) {
    const sent = JSON.parse(await sends(path, body));
    assert.equal(writerOf(sent.parts), "a plugin");
    assert.equal(sent.agent, "plan");
    assert.deepEqual(sent.parts[0].metadata, { theirs: 1, handoff: { by: "plugin" } });
    assert.deepEqual(sent.parts[1], body.parts[1]);
  }
  assert.deepEqual(JSON.parse(await sends("/session/ses_1/abort", body)), body);
});

test("a prompt that can't be marked is known by its session, once", async () => {
  const { client, sends } = shared();
  marksPrompts(client);
  const large = { parts: [text({ text: "x".repeat(300_000) })] };
  const sendings = [
    () => sends("/session/ses_2/prompt_async", large, { serializedBody: JSON.stringify(large) }),
    () => sends("/session/ses_2/message", { parts: [{ type: "file" }] }),
    () => sends("/session/ses_2/command", { command: "review", arguments: "" }),
    () => sends("/session/ses_2/prompt_async", "no JSON"),
  ];
  for (const send of sendings) {
    await send();
    const parts = [text()];
    assert.equal(arriving("ses_2", parts), parts[0]?.metadata ? "a plugin" : "never");
    assert.equal(arriving("ses_2", [text()]), "a person");
  }
});

test("what a plugin puts in front of our own prompt is taken away again, and of a person's nothing", () => {
  const front = "<ultrawork-mode>\n\nSay so.\n\n---\n\nMore.\n</ultrawork-mode>\n\n\n\n---\n\n";
  const parts = (/** @type {any} */ fields) => [text({ text: `${front}## Session Handoff`, ...fields })];
  const [ours, theirs] = [parts({ metadata: { handoff: { by: "handoff-sidecar" } } }), parts({})];
  arriving("ses_3", ours);
  arriving("ses_3", theirs);
  assert.equal(ours[0]?.text, "## Session Handoff");
  assert.ok(theirs[0]?.text.startsWith(front));
});

test("a client without that place is left alone", () => {
  for (const client of /** @type {any[]} */ ([
    undefined,
    {},
    { interceptors: {} },
    { interceptors: { request: {} } },
  ]))
    assert.equal(marksPrompts(client), false);
});
