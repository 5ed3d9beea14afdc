import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { Host } from "../../plugin-shim/lib/host.js";
import { serve, withoutContents } from "../../plugin-shim/lib/tunnel.js";
import { openCode, stayAlive, tunnel } from "./support.js";

stayAlive();

const LONG = "iVBORw0K/+8=".repeat(100);
const URL_OF_ONE = `data:image/png;base64,${LONG}`;
const SHORTENED = "data:image/png;bytes=900;base64,";

/** @param {string} json */
const handedOn = (json) =>
  withoutContents(/** @type {ArrayBuffer} */ (new TextEncoder().encode(json).buffer));

/** @param {unknown} value */
const shortened = (value) => JSON.parse(handedOn(JSON.stringify(value)));

test("a long data URL gives its content for its size, wherever it is a whole string", () => {
  const file = { type: "file", mime: "image/png", filename: "shot 1.png", url: URL_OF_ONE };
  const messages = [
    { info: { id: "msg_1" }, parts: [{ type: "text", text: "look" }, file, file] },
    { info: { id: "msg_2" }, parts: [{ type: "tool", state: { attachments: [file], input: [URL_OF_ONE] } }] },
  ];
  const expected = JSON.parse(JSON.stringify(messages).replaceAll(URL_OF_ONE, SHORTENED));
  assert.deepEqual(shortened(messages), expected);
});

test("type and parameters stay, and the size is that of what was encoded", () => {
  for (const [head, url] of [
    ["data:text/plain;charset=utf-8;base64,", "data:text/plain;charset=utf-8;bytes=1500;base64,"],
    ["data:image/svg+xml;base64,", "data:image/svg+xml;bytes=1500;base64,"],
    ["data:;base64,", "data:;bytes=1500;base64,"],
  ]) {
    assert.equal(shortened(head + "A-_z".repeat(500)), url);
  }
});

test("nothing else is changed", () => {
  const others = [
    `see "${URL_OF_ONE}" there`,
    `"${URL_OF_ONE}"`,
    `\\"${URL_OF_ONE}"`,
    `\\\\"${URL_OF_ONE}`,
    ` ${URL_OF_ONE}`,
    `${URL_OF_ONE}\n`,
    `${URL_OF_ONE} and more`,
    `${URL_OF_ONE}"`,
    `${URL_OF_ONE}\\`,
    `${URL_OF_ONE}é`,
    `${URL_OF_ONE}"data:`,
    `![x](${URL_OF_ONE})`,
    "data:image/png;base64,AAAA",
    `data:image/png,${LONG}`,
    `data:image/png;base64${LONG}`,
    `data:"image/png;base64,${LONG}`,
    "data:",
    '"data:',
    "https://example.org/data:image/png;base64,",
    { [URL_OF_ONE]: 1 },
    { data: LONG, "data:": [LONG] },
    JSON.stringify({ url: URL_OF_ONE }),
    JSON.stringify({ text: JSON.stringify([URL_OF_ONE]) }),
  ];
  for (const value of [...others, others]) {
    const json = JSON.stringify(value);
    assert.equal(handedOn(json), json);
    const spaced = JSON.stringify(value, null, 1).replaceAll(": 1", " : 1");
    assert.equal(handedOn(spaced), spaced);
  }
  assert.deepEqual(shortened([...others, URL_OF_ONE, ...others]), [...others, SHORTENED, ...others]);
});

test("what is cut off or no JSON is left as it is", () => {
  for (const text of ["", "data:", '"data:', `"${URL_OF_ONE}`, `["data:image/png;base64,`, "<html>"]) {
    assert.equal(handedOn(text), text);
  }
});

test("the sidecar is sent messages without what is attached to them, and all else as OpenCode has it", async () => {
  const { input } = openCode({ answer: () => Response.json([{ url: URL_OF_ONE }]) });
  const host = new Host({ courtesyMs: 1 });
  host.open(input);
  const ask = async (/** @type {string} */ path, method = "GET") => {
    const { body } = await serve(tunnel(host), {
      directory: input.directory,
      method,
      headers: {},
      body: null,
      path,
    });
    return JSON.parse(body);
  };
  const ofMessages = ["message", "message?limit=20&before=x", "message/msg_1", "message/msg_1?x=y"];
  for (const path of ofMessages) {
    assert.deepEqual(await ask(`/session/ses_1/${path}`), [{ url: SHORTENED }], path);
  }
  const others = ["", "?x=/session/ses_1/message", "/ses_1/todo"];
  for (const path of others) assert.deepEqual(await ask(`/session${path}`), [{ url: URL_OF_ONE }], path);
  assert.deepEqual(await ask("/session/ses_1/prompt_async", "POST"), [{ url: URL_OF_ONE }]);
});

test("60 MB of screenshots are gone through in a moment, and an answer without any costs nothing", () => {
  const image = `data:image/png;base64,${"iVBORw0KGgo/".repeat(120_000)}`;
  const many = JSON.stringify(Array.from({ length: 42 }, () => ({ type: "file", url: image })));
  const text = 'she said "data: none" '.repeat(18);
  const plain = JSON.stringify(Array.from({ length: 700 }, () => ({ type: "text", text })));
  /** @param {string} json */
  const tookMs = (json) => {
    const { buffer } = new TextEncoder().encode(json);
    const start = performance.now();
    withoutContents(/** @type {ArrayBuffer} */ (buffer));
    return performance.now() - start;
  };
  assert.ok(many.length > 60_000_000 && plain.length > 300_000);
  assert.ok(handedOn(many).length < 5_000);
  // Far above what was measured (100 ms and 0.3 ms), as the machine may be busy: a quadratic search would take hours.
  assert.ok(tookMs(many) < 5_000);
  assert.ok(Math.min(...Array.from({ length: 20 }, () => tookMs(plain))) < 20);
});

test("a prompt takes the files of the message that it names, and goes without where they can't be had", async () => {
  const parts = [
    { id: "prt_1", type: "text", text: "look" },
    { id: "prt_2", type: "file", mime: "image/png", filename: "shot.png", url: URL_OF_ONE },
  ];
  for (const [status, files] of /** @type {const} */ ([
    [200, [{ type: "file", mime: "image/png", filename: "shot.png", url: URL_OF_ONE }]],
    [500, []],
  ])) {
    /** @type {any} */
    let sent;
    const answer = async (/** @type {Request} */ request) => {
      if (request.method === "GET") return Response.json({ parts }, { status });
      sent = await request.json();
      return new Response(null, { status: 204 });
    };
    const { input } = openCode({ answer });
    const host = new Host({ courtesyMs: 1 });
    host.open(input);
    const prompt = { directory: input.directory, method: "POST", path: "/session/ses_1/prompt_async" };
    const body = JSON.stringify({ parts: [{ type: "text", text: "go on" }] });
    await serve(tunnel(host), { ...prompt, headers: {}, body, attach: "/session/ses_1/message/msg_1" });
    assert.deepEqual(sent.parts, [{ type: "text", text: "go on" }, ...files]);
  }
});
