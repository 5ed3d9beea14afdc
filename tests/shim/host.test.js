import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedPath, ENDPOINTS } from "../../plugin-shim/lib/endpoints.js";
import { RpcError } from "../../plugin-shim/lib/errors.js";
import { Host } from "../../plugin-shim/lib/host.js";
import { openCode, stayAlive, until } from "./support.js";

stayAlive();

const DIRECTORY = '/home/ada/projects/größe "x"';

/** @param {Parameters<typeof openCode>[0]} [parts] */
function hosted(parts) {
  const { input, ...rest } = openCode({ directory: DIRECTORY, ...parts });
  const host = new Host({ courtesyMs: 1 });
  host.register(input);
  const ask = (/** @type {any} */ what, /** @type {any} */ context = {}) =>
    host.serve({ directory: DIRECTORY, method: "GET", headers: {}, body: null, ...what }, context);
  return { host, input, ask, ...rest };
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
    ["GET", "/vcs"],
    ["GET", "/agent"],
    ["POST", "/tui/select-session"],
    ["POST", "/tui/open-sessions"],
    ["POST", "/tui/append-prompt"],
    ["POST", "/tui/show-toast"],
  ];
  for (const [method, target] of targets) assert.equal(allowedPath(method, target), target);
  assert.ok(targets.length >= ENDPOINTS.length);
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
  ];
  for (const [method, target] of attempts) {
    assert.throws(
      () => allowedPath(method, target),
      (error) => error instanceof RpcError && error.code === -32010,
      `${method} ${target}`,
    );
  }
  assert.throws(() => allowedPath("GET", 5), { code: -32602 });
});

test("a request goes to OpenCode with its own headers and the directory of the message", async () => {
  const { ask, asked } = hosted();
  await ask({
    method: "POST",
    path: "/session",
    headers: { "content-type": "application/json", authorization: "mine", "X-OpenCode-Directory": "/etc" },
    body: '{"title":"größe"}',
  });
  const [{ method, path, headers, body } = assert.fail()] = asked;
  assert.deepEqual([method, path, body], ["POST", "/session", { title: "größe" }]);
  assert.equal(headers.get("x-opencode-directory"), encodeURIComponent(DIRECTORY));
  assert.equal(headers.get("authorization"), "Basic b3BlbmNvZGU6eA==");
  assert.equal(headers.get("content-type"), "application/json");
});

test("the host's headers may come as an object of their own kind", async () => {
  const { ask, asked, input } = hosted();
  const { getConfig } = input.client._client;
  input.client._client.getConfig = () => ({
    ...getConfig(),
    headers: /** @type {any} */ (new Headers({ authorization: "x" })),
  });
  await ask({ path: "/vcs" });
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
  await assert.rejects(ask({ path: "/vcs", body: {} }), { code: -32602 });
  assert.deepEqual(asked, []);
});

test("a directory that isn't open is not opened", async () => {
  const { ask, asked } = hosted();
  await assert.rejects(ask({ path: "/vcs", directory: "/etc" }), { code: -32011 });
  assert.deepEqual(asked, []);
});

test("a fetch that throws is a host out of reach, and its text stays here", async () => {
  const { ask } = hosted({ answer: () => Promise.reject(new Error("secret")) });
  await assert.rejects(ask({ path: "/vcs" }), (/** @type {any} */ error) => {
    return error.code === -32011 && !error.message.includes("secret");
  });
});

test("a client without the expected fields is a host out of reach", async () => {
  const host = new Host();
  host.register({ directory: DIRECTORY, worktree: DIRECTORY, client: undefined });
  await assert.rejects(host.serve({ directory: DIRECTORY, method: "GET", path: "/vcs" }), { code: -32011 });
});

test("cancelling a request aborts the fetch", async () => {
  const { ask, asked } = hosted({ answer: () => new Promise(() => {}) });
  const controller = new AbortController();
  void ask({ path: "/vcs" }, { signal: controller.signal });
  const [request] = await until(() => asked.length > 0 && asked);
  controller.abort();
  assert.equal(request?.signal.aborted, true);
});

test("of two instances in one directory the newer is asked, and the other when it has gone", async () => {
  const { host, ask, asked } = hosted();
  const second = openCode({ directory: DIRECTORY });
  host.register(second.input);
  await ask({ path: "/vcs" });
  assert.deepEqual([asked.length, second.asked.length], [0, 1]);
  assert.equal(host.unregister(second.input), 1);
  await ask({ path: "/vcs" });
  assert.deepEqual([asked.length, second.asked.length], [1, 1]);
});

test("a toast and the version end by themselves when OpenCode never answers", async () => {
  const { host, input } = hosted({ answer: () => new Promise(() => {}) });
  await host.toast(input, "t", "m", "error");
  assert.equal(await host.askVersion(), null);
});

test("the version is asked for once, however many ask, and again when there was no answer", async () => {
  let answers = 0;
  const answer = () => {
    answers += 1;
    return answers === 1 ? new Response("", { status: 500 }) : Response.json({ version: "1.18.33" });
  };
  const { input, asked } = openCode({ answer });
  const host = new Host({ argv: [] });
  host.register(input);
  assert.equal(await host.askVersion(), null);
  assert.deepEqual(await Promise.all([host.askVersion(), host.askVersion()]), ["1.18.33", "1.18.33"]);
  assert.equal(asked.filter(({ path }) => path === "/global/health").length, 2);
});

test("the mode is read from the command line", () => {
  const modes = [
    ["bun /$bunfs/root/src/cli/cmd/tui/worker.js", "tui"],
    ["bun B:\\~BUN\\root\\src\\cli\\cmd\\tui\\worker.js", "tui"],
    ["bun /$bunfs/root/src/index.js", "tui"],
    ["bun /$bunfs/root/src/index.js --continue", "tui"],
    ["bun /$bunfs/root/src/index.js run hello", "run"],
    ["bun /$bunfs/root/src/index.js --log-level DEBUG run serve", "run"],
    ["bun /$bunfs/root/src/index.js serve --port 4096", "serve"],
    ["bun /$bunfs/root/src/index.js acp", "other"],
  ];
  for (const [line = "", mode] of modes) assert.equal(new Host({ argv: line.split(" ") }).mode, mode, line);
});
