/** Which command starts the sidecar, and that it is found where it should be. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { test } from "node:test";
import { MANIFEST, sidecarCommands } from "../../plugin-shim/lib/manifest.js";
import { Plugin } from "../../plugin-shim/lib/plugin.js";
import { fake, openCode, stayAlive } from "./support.js";

stayAlive();

const UVX = ["uvx", "--from", `handoff-sidecar==${MANIFEST.version}`, "handoff-sidecar", "stdio"];

test("the command comes from the options, else the environment, else it is the program's or uvx's", () => {
  const HANDOFF_SIDECAR_COMMAND = "python -m handoff_sidecar stdio";
  const env = { HANDOFF_SIDECAR_COMMAND };
  /** @type {[unknown, NodeJS.ProcessEnv, string[][]][]} */
  const cases = [
    [{ command: ["a", "b"] }, env, [["a", "b"]]],
    [{ command: "a  b" }, env, [["a", "b"]]],
    [{}, env, [HANDOFF_SIDECAR_COMMAND.split(" ")]],
    [{ command: [] }, { HANDOFF_SIDECAR_COMMAND: '["a b", "c"]' }, [["a b", "c"]]],
    [undefined, { HANDOFF_SIDECAR_COMMAND: " " }, [["handoff-sidecar", "stdio"], UVX]],
    [{}, {}, [["handoff-sidecar", "stdio"], UVX]],
  ];
  for (const [options, environment, words] of cases) {
    assert.deepEqual(
      sidecarCommands(options, environment).map((command) => command.words),
      words,
    );
  }
  assert.deepEqual(
    sidecarCommands({}, {}).map(({ mayFetch }) => mayFetch),
    [false, true],
  );
});

/** A folder with programs that are fake sidecars, and say in their answers how they were started. @param {string[]} names */
async function programs(...names) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "programs-")));
  const [node, script] = fake("well");
  for (const name of names) {
    const lines = ["#!/bin/sh", `exec "${node}" "${script}" well "$0" "$@"`, ""];
    await writeFile(join(folder, name), lines.join("\n"), { mode: 0o755 });
  }
  return folder;
}

/** What was started with this PATH. @param {string[]} folders */
async function startedWith(...folders) {
  const hooks = new Plugin({ env: { PATH: folders.join(delimiter) } }).open(openCode().input);
  const { metadata } = await hooks.tool.read_session.execute({}, {});
  await hooks.dispose();
  return metadata.command;
}

test("the program is found on the PATH, and uvx where it isn't there", async () => {
  const both = await programs("handoff-sidecar", "uvx");
  const fetcher = await programs("uvx");
  assert.deepEqual(await startedWith(both), [join(both, "handoff-sidecar"), "stdio"]);
  assert.deepEqual(await startedWith(fetcher), [join(fetcher, "uvx"), ...UVX.slice(1)]);
  for (const path of [both, fetcher]) await rm(path, { recursive: true });
});

test("a file that can't be run, a folder, and a program in a relative folder are not started", async () => {
  const folder = await mkdtemp(join(tmpdir(), "programs-"));
  await writeFile(join(folder, "handoff-sidecar"), "", { mode: 0o644 });
  const folders = await mkdtemp(join(tmpdir(), "programs-"));
  await mkdir(join(folders, "handoff-sidecar"));
  const near = await programs("handoff-sidecar");
  for (const path of [folder, folders, relative(process.cwd(), near), ""])
    await assert.rejects(startedWith(path), /the Python package is not installed/);
  for (const path of [folder, folders, near]) await rm(path, { recursive: true });
});
