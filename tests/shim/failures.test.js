import assert from "node:assert/strict";
import { test } from "node:test";
import { CODES, callFailure, explained, Failure, RpcError } from "../../plugin-shim/lib/failures.js";
import { MANIFEST } from "../../plugin-shim/lib/manifest.js";

const LOOK =
  "The work in this session can go on. A new session may have been made: " +
  "check the session list for one titled `Handoff: …` before you try again.";
const UNCHANGED = "Nothing was made and this session is unchanged.";
const REINSTALL = "un `handoff-sidecar install` again, then restart OpenCode.";
const CRASHED =
  "the sidecar stopped while it was starting (exit code 1; its last line: No module named 'httpx')";

const missing = new Failure("notFound", { program: "/x/python", code: "ENOENT" });
const died = new Failure("died", { ending: " (signal SIGKILL; its last line: out of memory)" }, true);
const minute = { seconds: 60 };

/** @type {[string, unknown, string][]} */
const said = [
  [
    "a missing program",
    missing,
    "session_handoff failed: the sidecar's program could not be started (/x/python: ENOENT). " +
      `${UNCHANGED} R${REINSTALL}`,
  ],
  [
    "a crash at the start",
    new Failure("ended", { ending: CRASHED.slice(CRASHED.indexOf(" (")) }),
    `session_handoff failed: ${CRASHED}. ${UNCHANGED} Try once more. If that fails too, r${REINSTALL}`,
  ],
  [
    "a rest",
    new Failure("resting", { starts: 4, seconds: 7, last: CRASHED }),
    "session_handoff failed: the sidecar failed to start 4 times in a row and won't be started for 7 s; the last " +
      `time, ${CRASHED}. ${UNCHANGED} Run \`handoff-sidecar doctor\`, which says what is wrong.`,
  ],
  [
    "a death in the middle",
    died,
    "session_handoff failed: the sidecar stopped in the middle of the call (signal SIGKILL; its last line: out of " +
      `memory). ${LOOK} The next call starts the sidecar again.`,
  ],
  [
    "too slow",
    new Failure("late", minute, true, true),
    `session_handoff failed: the sidecar did not answer within 60 s. ${LOOK}`,
  ],
  [
    "stuck",
    new Failure("stuck", minute, true),
    `session_handoff failed: the sidecar did not answer within 60 s, and did not stop when it was cancelled. ${LOOK}`,
  ],
  [
    "an escape before anything was sent",
    new Failure("cancelled"),
    `session_handoff was cancelled. ${UNCHANGED}`,
  ],
  ["an escape", new Failure("cancelled", {}, true, true), `session_handoff was cancelled. ${LOOK}`],
  [
    "arguments without end",
    new Failure("tooLarge", { bytes: 9, limitBytes: 8 }),
    `session_handoff failed: a message of 9 bytes is over the limit of 8 bytes. ${UNCHANGED} Try again with shorter arguments.`,
  ],
];

for (const [what, error, sentence] of said) {
  test(`what the model is told: ${what}`, () =>
    assert.equal(callFailure("session_handoff", error), sentence));
}

test("every row of the table has its words filled in by whoever makes it, and no other kind is known", () => {
  const rows = Object.entries(MANIFEST.failures);
  assert.ok(rows.length > 10);
  for (const [kind, { cause }] of rows) {
    const holes = [...cause.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, "x"]);
    const failure = new Failure(/** @type {any} */ (kind), Object.fromEntries(holes));
    assert.doesNotMatch(failure.message, /[{}]/);
  }
  assert.throws(() => new Failure(/** @type {any} */ ("unheard of")));
});

test("the brief's folder is named when nobody knows how far a handoff got", () => {
  const sentence = callFailure("session_handoff", died, "/state/briefs");
  assert.match(sentence, /If the handoff's brief was saved, it is the newest file in \/state\/briefs\./);
});

test("a call that the wire refuses has made nothing", () => {
  const sentence = callFailure("session_handoff", new RpcError(CODES.INVALID_PARAMS, "no object"));
  assert.match(sentence, /Nothing was made/);
});

test("a tool that makes nothing sends nobody looking, and a command may have made something", () => {
  assert.equal(
    callFailure("read_session", new Failure("died", { ending: " (exit code 1)" }, true)),
    "read_session failed: the sidecar stopped in the middle of the call (exit code 1). " +
      "The work in this session can go on. The next call starts the sidecar again.",
  );
  assert.match(
    callFailure("/handoff-now", died),
    /^\/handoff-now failed: .*A new session may have been made/,
  );
});

test("what the person is told when the trigger can't be handed over", () => {
  assert.equal(
    explained(MANIFEST.sentences.triggerFailed, missing),
    "The handoff can't be done now: the sidecar's program could not be started (/x/python: ENOENT). " +
      `Your message was sent as you typed it. R${REINSTALL}`,
  );
});
