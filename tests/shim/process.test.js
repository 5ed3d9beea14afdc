/** Which command starts the sidecar. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { test } from "node:test";
import { MANIFEST } from "../../plugin-shim/lib/manifest.js";
import { sidecarCommand } from "../../plugin-shim/lib/process.js";
import { stayAlive } from "./support.js";

stayAlive();

/** A folder with these programs in it. @param {string[]} names */
async function programs(...names) {
  const folder = await mkdtemp(join(tmpdir(), "programs-"));
  for (const name of names) await writeFile(join(folder, name), "", { mode: 0o755 });
  return folder;
}

test("the command comes from the options, else the environment, else the PATH, else uvx", async () => {
  const folder = await programs("handoff-sidecar", "uvx");
  const HANDOFF_SIDECAR_COMMAND = "python -m handoff_sidecar stdio";
  const env = { HANDOFF_SIDECAR_COMMAND, PATH: folder };
  /** @type {[unknown, NodeJS.ProcessEnv, string[]][]} */
  const cases = [
    [{ command: ["a", "b"] }, env, ["a", "b"]],
    [{ command: "a  b" }, env, ["a", "b"]],
    [{}, env, HANDOFF_SIDECAR_COMMAND.split(" ")],
    [{ command: [] }, { ...env, HANDOFF_SIDECAR_COMMAND: '["a b", "c"]' }, ["a b", "c"]],
    [undefined, { ...env, HANDOFF_SIDECAR_COMMAND: " " }, [join(folder, "handoff-sidecar"), "stdio"]],
  ];
  for (const [options, environment, words] of cases) {
    assert.deepEqual(sidecarCommand(options, environment), { words, mayFetch: false });
  }
  const fetcher = await programs("uvx");
  assert.deepEqual(sidecarCommand({}, { PATH: ["relative", fetcher].join(delimiter) }), {
    words: [
      join(fetcher, "uvx"),
      "--from",
      `handoff-sidecar==${MANIFEST.version}`,
      "handoff-sidecar",
      "stdio",
    ],
    mayFetch: true,
  });
  for (const path of [folder, fetcher]) await rm(path, { recursive: true });
});

test("on Windows programs end in .exe and the PATH is called Path", () => {
  const installed = "C:\\Users\\ada\\.local\\bin\\handoff-sidecar.exe";
  const machine = { isWindows: true, isProgram: (/** @type {string} */ path) => path === installed };
  const env = { Path: "tools;C:\\Windows;C:\\Users\\ada\\.local\\bin" };
  assert.deepEqual(sidecarCommand({}, env, machine).words, [installed, "stdio"]);
  assert.throws(() => sidecarCommand({}, { Path: "C:\\Windows" }, machine));
});

test("a file that can't be run and a relative folder are no programs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "programs-"));
  await writeFile(join(folder, "handoff-sidecar"), "", { mode: 0o644 });
  const nearby = relative(process.cwd(), await programs("handoff-sidecar"));
  for (const PATH of [folder, nearby, "", undefined]) {
    assert.throws(() => sidecarCommand({}, { ...(PATH !== undefined && { PATH }) }), { kind: "missing" });
  }
  await rm(folder, { recursive: true });
});
