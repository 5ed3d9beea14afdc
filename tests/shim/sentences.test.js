import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../../plugin-shim/lib/errors.js";
import { toolFailure, triggerFailure } from "../../plugin-shim/lib/sentences.js";

/** @param {Partial<errors.Exit>} [exit] */
const exit = (exit) => ({ code: 1, signal: null, spawnError: null, stderr: [], ...exit });
const missing = new errors.SidecarNotFound(
  "/x/python",
  exit({ code: null, spawnError: Object.assign(new Error(), { code: "ENOENT" }) }),
);
const crashed = new errors.SidecarStartFailed(
  "ended",
  "the sidecar stopped while it was starting",
  exit({ stderr: ["Traceback", "ModuleNotFoundError: No module named 'httpx'"] }),
);
const LOOK =
  "The work in this session can go on. A new session may have been made: " +
  "check the session list for one titled `Handoff: …` before you try again.";
const UNCHANGED = "Nothing was made and this session is unchanged.";
const REINSTALL = "un `handoff-sidecar install` again, then restart OpenCode.";

/** @type {[string, unknown, string][]} */
const said = [
  [
    "a missing program",
    missing,
    `session_handoff failed: the Python that runs the sidecar was not found (/x/python). ${UNCHANGED} R${REINSTALL}`,
  ],
  [
    "a crash at the start",
    crashed,
    "session_handoff failed: the sidecar stopped while it was starting (exit code 1; its last line: " +
      `ModuleNotFoundError: No module named 'httpx'). ${UNCHANGED} Try once more; if it fails again: r${REINSTALL}`,
  ],
  [
    "two protocols",
    new errors.SidecarStartFailed("mismatch", `they differ: r${REINSTALL}`, null),
    `session_handoff failed: they differ: r${REINSTALL} ${UNCHANGED}`,
  ],
  [
    "a rest",
    new errors.SidecarResting(26_500, crashed),
    "session_handoff failed: the sidecar failed to start too often, so it is left alone for another 27 s; the last " +
      "time, the sidecar stopped while it was starting (exit code 1; its last line: ModuleNotFoundError: No module " +
      `named 'httpx'). ${UNCHANGED} Wait that long and try again, or: r${REINSTALL}`,
  ],
  [
    "a stop",
    new errors.SidecarStopped(10, crashed),
    "session_handoff failed: the sidecar failed to start 10 times in a row and is not started again; the last time, " +
      "the sidecar stopped while it was starting (exit code 1; its last line: ModuleNotFoundError: No module named " +
      `'httpx'). ${UNCHANGED} Run \`handoff-sidecar doctor\`, which says what is wrong, then restart OpenCode.`,
  ],
  [
    "a death in the middle",
    new errors.SidecarDied(exit({ code: null, signal: "SIGKILL", stderr: ["out of memory"] })),
    "session_handoff failed: the sidecar stopped in the middle of the call (signal SIGKILL; its last line: out of " +
      `memory). ${LOOK} The next call starts the sidecar again.`,
  ],
  [
    "too slow",
    new errors.CallGivenUp("timed out", { sent: true, answered: true, afterMs: 60_000 }),
    `session_handoff failed: the sidecar did not answer within 60 s. ${LOOK}`,
  ],
  [
    "stuck",
    new errors.CallGivenUp("timed out", { sent: true, answered: false, afterMs: 60_000 }),
    `session_handoff failed: the sidecar did not answer within 60 s, and did not react to being cancelled. ${LOOK}`,
  ],
  [
    "an escape before anything was sent",
    new errors.CallGivenUp("cancelled", { sent: false, answered: false }),
    `session_handoff was cancelled. ${UNCHANGED}`,
  ],
  [
    "an escape",
    new errors.CallGivenUp("cancelled", { sent: true, answered: true }),
    `session_handoff was cancelled. ${LOOK}`,
  ],
  ["the sidecar's own sentence", new errors.RpcError(errors.TOOL_FAILED, "as it is"), "as it is"],
  [
    "arguments without end",
    new errors.FrameTooLarge(9, 8),
    `session_handoff failed: a message of 9 bytes is over the limit of 8 bytes. ${UNCHANGED} Try again with shorter arguments.`,
  ],
];

for (const [what, error, sentence] of said) {
  test(`what the model is told: ${what}`, () =>
    assert.equal(toolFailure("session_handoff", error), sentence));
}

test("the brief's folder is named when nobody knows how far a handoff got", () => {
  const sentence = toolFailure("session_handoff", new errors.SidecarDied(exit()), "/state/briefs");
  assert.match(sentence, /If its brief was written, it is the newest in \/state\/briefs\./);
});

test("a call that the wire refuses has made nothing", () => {
  const sentence = toolFailure("session_handoff", new errors.RpcError(errors.INVALID_PARAMS, "no object"));
  assert.match(sentence, /Nothing was made/);
});

test("a tool that makes nothing sends nobody looking", () => {
  const sentence = toolFailure("read_session", new errors.SidecarDied(exit()));
  assert.equal(
    sentence,
    "read_session failed: the sidecar stopped in the middle of the call (exit code 1). " +
      "The work in this session can go on. The next call starts the sidecar again.",
  );
});

test("what the person is told when the trigger can't be handed over", () => {
  assert.equal(
    triggerFailure(missing),
    "The handoff can't be done now: the Python that runs the sidecar was not found (/x/python). " +
      `Your message went on as you typed it. R${REINSTALL}`,
  );
});
