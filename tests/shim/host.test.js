import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "../../plugin-shim/lib/host.js";
import { openCode, stayAlive } from "./support.js";

stayAlive();

/** @param {Parameters<typeof openCode>[0]} [parts] */
function hosted(parts) {
  const { input, toasts } = openCode(parts);
  const host = new Host({ courtesyMs: 1 });
  return { host, instance: host.open(input), toasts };
}

test("a toast stays for as long as it takes to read it", async () => {
  const { host, instance, toasts } = hosted();
  for (const message of ["short", "x".repeat(200), "x".repeat(2_000)])
    await host.toast(instance, message, "error");
  assert.deepEqual(
    toasts().map(({ duration }) => duration),
    [5_000, 12_000, 30_000],
  );
});

test("a toast ends by itself when OpenCode never answers", async () => {
  const { host, instance } = hosted({ answer: () => new Promise(() => {}) });
  await host.toast(instance, "m", "error");
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
    ["bun /$bunfs/root/src/index.js web --port 4517", "serve"],
    ["bun /$bunfs/root/src/index.js run tidy the web page", "run"],
    ["bun /$bunfs/root/src/index.js acp", "other"],
  ];
  for (const [line = "", mode] of modes) assert.equal(new Host({ argv: line.split(" ") }).mode, mode, line);
});
