import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RpcError } from "../../plugin-shim/lib/failures.js";
import { Host } from "../../plugin-shim/lib/host.js";
import { MANIFEST } from "../../plugin-shim/lib/manifest.js";
import { checkPath, serve } from "../../plugin-shim/lib/tunnel.js";
import { openCode, stayAlive, tunnel, until } from "./support.js";

stayAlive();

const DIRECTORY = '/home/ada/projects/größe "x"';

/** @param {Parameters<typeof openCode>[0]} [parts] */
function hosted(parts) {
  const { input, ...rest } = openCode({ directory: DIRECTORY, ...parts });
  const host = new Host({ courtesyMs: 1 });
  const instance = host.open(input);
  const ask = (/** @type {any} */ what, /** @type {any} */ context = {}) =>
    serve(tunnel(host), { directory: DIRECTORY, method: "GET", headers: {}, body: null, ...what }, context);
  return { host, input, instance, ask, ...rest };
}

test("every endpoint of the list is let through, as it was written", () => {
  const targets = [
    ["GET", "/global/health"],
    ["GET", "/session"],
    ["GET", "/session?limit=3&search=a..b%2Fc"],
    ["POST", "/session"],
    ["GET", "/session/ses_df8b2805fffehCtErImu2zOMIA"],
    ["PATCH", "/session/ses_1"],
    ["DELETE", "/session/ses_1"],
    ["GET", "/session/ses_1/message?limit=20&before=eyJ4IjoxfQ%3D%3D"],
    ["GET", "/session/ses_1/message/msg_2"],
    ["POST", "/session/ses_1/prompt_async"],
    ["GET", "/session/ses_1/todo"],
    ["POST", "/session/ses_1/abort"],
    ["GET", "/session/status"],
    ["GET", "/config"],
    ["GET", "/config/providers"],
    ["GET", "/agent"],
    ["POST", "/tui/select-session"],
    ["POST", "/tui/open-sessions"],
    ["POST", "/tui/append-prompt"],
    ["POST", "/tui/show-toast"],
  ];
  for (const [method, target] of targets) checkPath(method, target);
  assert.ok(targets.length >= MANIFEST.endpoints.length);
});

test("anything else is refused, however it is dressed", () => {
  const attempts = [
    ["POST", "/session/ses_1/shell"],
    ["POST", "/session/ses_1/command"],
    ["DELETE", "/session"],
    ["PUT", "/session/ses_1"],
    ["get", "/session"],
    ["GET", "/session/"],
    ["GET", "/session/ses_1/"],
    ["GET", "/session/ses_1/../../config"],
    ["GET", "/session/ses_1/./todo"],
    ["GET", "/session/%2e%2e/config"],
    ["GET", "/session/ses_1%2ftodo"],
    ["GET", "/session/ses_1%2Fmessage"],
    ["GET", "/session/ses_"],
    ["GET", "/session/abc"],
    ["GET", "/session/ses_1\n"],
    ["GET", "/session/ses_1/message/msg_1/part/prt_1"],
    ["GET", "//evil.example/session"],
    ["GET", "/\\evil.example/session"],
    ["GET", "http://evil.example/session"],
    ["GET", "@evil.example/session"],
    ["GET", "session"],
    ["GET", ""],
    ["GET", "/session?limit=1#x"],
    ["GET", "/session?dir\tectory=/etc"],
    ["GET", "/session?directory=/etc"],
    ["GET", "/session?limit=1&directory=/etc"],
    ["GET", "/session?%64irectory=/etc"],
    ["GET", "/session?Directory=/etc"],
    ["GET", "/session?limit=1?directory=/etc"],
    ["GET", "/session?workspace=w"],
    ["GET", "/session?workspace"],
    ["GET", "/global/event"],
    ["POST", "/tui/publish"],
    ["POST", "/tui/execute-command"],
    ["GET", "/file/content?path=/etc/passwd"],
    ["GET", "/find?pattern=x"],
    ["PUT", "/auth/anthropic"],
    ["PATCH", "/config"],
    ["POST", "/instance/dispose"],
    ["POST", "/session/ses_1/init"],
    ["POST", "/session/ses_1/share"],
    ["POST", "/session/ses_1/permissions/per_1"],
    ["POST", "/session/ses_1/message"],
    ["POST", "/pty"],
    ["OPTIONS", "/session"],
    ["HEAD", "/session"],
    ["CONNECT", "/session"],
    ["GET ", "/session"],
    ["GET", "/SESSION"],
    ["GET", "/Session/ses_1"],
    ["GET", "/session//ses_1"],
    ["GET", "/session/ses_1//todo"],
    ["GET", "/session\u0000"],
    ["GET", "/session/ses_1\u0000/todo"],
    ["GET", "/session/ses_1%00"],
    ["GET", "/session;x"],
    ["GET", "https://127.0.0.1:4096/session"],
    ["GET", "file:///etc/passwd"],
    ["GET", "/session?a=1&DIRECTORY=/etc"],
    ["GET", "/session?%64%69rectory=/etc"],
    ["GET", "/session?+directory=/etc&directory=/etc"],
  ];
  for (const [method, target] of attempts) {
    assert.throws(
      () => checkPath(method, target),
      (error) => error instanceof RpcError && error.code === -32010,
      `${method} ${target}`,
    );
  }
  assert.throws(() => checkPath("GET", /** @type {any} */ (5)), RpcError);
});

/** Read by the sidecar's tests too, so that both sides hold the same texts for ids. */
const ids = JSON.parse(readFileSync(new URL("../cases/ids.json", import.meta.url), "utf8"));

test("what is an id, and what is none, is the same as in the sidecar", () => {
  for (const id of ids.sessions) {
    checkPath("GET", `/session/${id}`);
    const message = `/session/ses_1/message/${id.replace("ses_", "msg_")}`;
    checkPath("GET", message);
  }
  for (const id of ids.none) {
    // With a query, as sent, it is the session without one.
    if (/[?#]/.test(id)) continue;
    assert.throws(() => checkPath("DELETE", `/session/${id}`), RpcError, JSON.stringify(id));
    const message = `/session/ses_1/message/${id.replace("ses_", "msg_")}`;
    assert.throws(() => checkPath("GET", message), RpcError, JSON.stringify(id));
  }
});

test("whatever is let through is, as a URL parser reads it, the path that was checked", () => {
  const odd = ["/session", "/session/ses_1", "/agent", "/tui/show-toast", "/config"];
  const bits = [
    ..."/.%?#@:;\\&=+~ \t\n\0",
    "..",
    "//",
    "%2e",
    "%2F",
    "%00",
    "%5c",
    "directory=/",
    "http:",
    "é",
    "\u202e",
    "/auth",
  ];
  let let_through = 0;
  for (const path of odd) {
    for (const first of bits) {
      for (const second of ["", ...bits]) {
        for (const target of [
          first + second + path,
          path + first + second,
          path.slice(0, 4) + first + second + path.slice(4),
        ]) {
          for (const method of ["GET", "POST", "DELETE", "PATCH"]) {
            try {
              checkPath(method, target);
            } catch (error) {
              assert.ok(error instanceof RpcError, `${method} ${JSON.stringify(target)}: ${error}`);
              continue;
            }
            let_through += 1;
            const url = new URL(`http://127.0.0.1:4096${target}`);
            assert.equal(url.host, "127.0.0.1:4096");
            assert.doesNotThrow(() => checkPath(method, url.pathname), target);
            assert.equal(url.searchParams.get("directory"), null);
            assert.equal(url.hash, "");
          }
        }
      }
    }
  }
  assert.ok(let_through > 100, "the list would be tested by refusals alone");
});

test("a request goes to OpenCode with its own headers and the directory of the message", async () => {
  const { ask, asked } = hosted();
  await ask({
    method: "POST",
    path: "/session",
    headers: {
      "content-type": "application/json",
      authorization: "mine",
      cookie: "mine",
      host: "evil.example",
      "X-Forwarded-Host": "evil.example",
      "X-OpenCode-Directory": "/etc",
      "X-OpenCode-Workspace": "w",
    },
    body: '{"title":"größe"}',
  });
  const [{ method, path, headers, body } = assert.fail()] = asked;
  assert.deepEqual([method, path, body], ["POST", "/session", { title: "größe" }]);
  assert.equal(headers.get("x-opencode-directory"), encodeURIComponent(DIRECTORY));
  assert.equal(headers.get("authorization"), "Basic b3BlbmNvZGU6eA==");
  assert.equal(headers.get("content-type"), "application/json");
  for (const name of ["cookie", "host", "x-forwarded-host", "x-opencode-workspace"]) {
    assert.equal(headers.get(name), null, name);
  }
});

test("the host's headers may come as an object of their own kind", async () => {
  const { ask, asked, input } = hosted();
  const { getConfig } = input.client._client;
  input.client._client.getConfig = () => ({
    ...getConfig(),
    headers: /** @type {any} */ (new Headers({ authorization: "x" })),
  });
  await ask({ path: "/agent" });
  assert.equal(asked[0]?.headers.get("authorization"), "x");
});

test("an answer carries status, body and two headers, no more", async () => {
  const headers = { "x-next-cursor": "c1", "set-cookie": "a=b", "x-secret": "s" };
  const { ask } = hosted({ answer: () => Response.json([{ a: "ß" }], { status: 404, headers }) });
  assert.deepEqual(await ask({ path: "/session" }), {
    status: 404,
    headers: { "content-type": "application/json", "x-next-cursor": "c1" },
    body: '[{"a":"ß"}]',
  });
});

test("a refused request never reaches OpenCode", async () => {
  const { ask, asked } = hosted();
  await assert.rejects(ask({ path: "/auth" }), { code: -32010 });
  assert.deepEqual(asked, []);
});

test("a directory that isn't open is not opened", async () => {
  const { ask, asked } = hosted();
  await assert.rejects(ask({ path: "/agent", directory: "/etc" }), { code: -32011 });
  assert.deepEqual(asked, []);
});

test("a fetch that throws is a host out of reach, and its text stays here", async () => {
  const { ask } = hosted({ answer: () => Promise.reject(new Error("secret")) });
  await assert.rejects(ask({ path: "/agent" }), (/** @type {any} */ error) => {
    return error.code === -32011 && !error.message.includes("secret");
  });
});

test("a client without the expected fields is a host out of reach", async () => {
  const host = new Host();
  host.open({ directory: DIRECTORY });
  await assert.rejects(serve(tunnel(host), { directory: DIRECTORY, method: "GET", path: "/agent" }), {
    code: -32011,
  });
});

test("cancelling a request aborts the fetch", async () => {
  const { ask, asked } = hosted({ answer: () => new Promise(() => {}) });
  const controller = new AbortController();
  void ask({ path: "/agent" }, { signal: controller.signal });
  const [request] = await until(() => asked.length > 0 && asked);
  controller.abort();
  assert.equal(request?.signal.aborted, true);
});

test("of two instances in one directory the newer is asked, and the other when it has gone", async () => {
  const { host, ask, asked } = hosted();
  const second = openCode({ directory: DIRECTORY });
  const instance = host.open(second.input);
  await ask({ path: "/agent" });
  assert.deepEqual([asked.length, second.asked.length], [0, 1]);
  assert.deepEqual([host.close(instance), host.close(instance), host.instances.length], [true, false, 1]);
  await ask({ path: "/agent" });
  assert.deepEqual([asked.length, second.asked.length], [1, 1]);
});

test("the screen is moved by the windows where they can, and by OpenCode where they can't", async () => {
  for (const [moved, status, asked] of /** @type {const} */ ([
    [true, 200, 0],
    [false, 409, 0],
    [null, 200, 1],
  ])) {
    const { host, asked: requests } = hosted();
    /** @type {unknown[]} */
    const moves = [];
    const windows = {
      move: async (/** @type {unknown} */ sessions) => {
        moves.push(sessions);
        return moved;
      },
    };
    const body = JSON.stringify({ sessionID: "ses_new" });
    const select = {
      method: "POST",
      path: "/tui/select-session",
      body,
      headers: { "x-handoff-leaves": "ses_old" },
    };
    const answer = await serve({ ...tunnel(host), windows }, { directory: DIRECTORY, ...select });
    assert.deepEqual(
      [answer.status, requests.length, moves],
      [status, asked, [{ from: "ses_old", to: "ses_new" }]],
    );
  }
});

test("a session that the sidecar changes is looked up again", async () => {
  const { host } = hosted();
  /** @type {string[]} */
  const forgotten = [];
  const lock = { forget: (/** @type {string} */ sessionID) => void forgotten.push(sessionID) };
  for (const method of ["GET", "PATCH"])
    await serve({ ...tunnel(host), lock }, { directory: DIRECTORY, method, path: "/session/ses_1" });
  assert.deepEqual(forgotten, ["ses_1"]);
});
