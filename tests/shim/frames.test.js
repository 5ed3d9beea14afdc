import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, frameSplitter } from "../../plugin-shim/lib/connection.js";

/** @param {number} [limitBytes] */
function splitter(limitBytes = 2 ** 26) {
  /** @type {string[]} */
  const frames = [];
  /** @type {number[]} */
  const tooLarge = [];
  const push = frameSplitter(limitBytes, (frame, bytes) => {
    if (frame) frames.push(frame.toString("utf8"));
    else tooLarge.push(bytes);
  });
  return { frames, tooLarge, push };
}

test("frames come out whole wherever the stream is cut, inside a character too", () => {
  const bytes = Buffer.from('{"a":"größe 🚀"}\n\n{"b":"ß"}\n');
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const { frames, push } = splitter();
      push(bytes.subarray(0, first));
      push(bytes.subarray(first, second));
      push(bytes.subarray(second));
      assert.deepEqual(frames, ['{"a":"größe 🚀"}', "", '{"b":"ß"}']);
    }
  }
});

test("a line that has not ended is no frame yet", () => {
  const { frames, push } = splitter();
  push(Buffer.from("half"));
  assert.deepEqual(frames, []);
});

test("a frame of 20 MB in small chunks comes out whole", () => {
  const { frames, push } = splitter();
  const chunk = Buffer.alloc(4_096, "x");
  for (let sent = 0; sent < 20 * 1024 * 1024; sent += chunk.length) push(chunk);
  push(Buffer.from("\nnext\n"));
  assert.deepEqual(
    frames.map((frame) => frame.length),
    [20 * 1024 * 1024, 4],
  );
});

test("a frame over the limit is skipped to its newline and reading goes on", () => {
  const { frames, tooLarge, push } = splitter(4);
  for (const chunk of ["four\nfi", "ve!", "!!\nok\n"]) push(Buffer.from(chunk));
  assert.deepEqual(frames, ["four", "ok"]);
  assert.deepEqual(tooLarge, [7]);
});

test("a message is written on one line, whatever its strings hold", () => {
  assert.equal(encodeFrame({ a: "x\ny\u2028" }, 100), '{"a":"x\\ny\u2028"}\n');
});

test("a message over the limit is not written; the limit counts bytes, not characters", () => {
  assert.equal(encodeFrame("ß", 4), '"ß"\n');
  assert.throws(() => encodeFrame("ßß", 4), { kind: "tooLarge", sent: false });
});

test("half an emoji goes out as a replacement character, and whole ones as they are", () => {
  assert.equal(encodeFrame({ text: "a\ud83d", other: "🚀" }, 100), '{"text":"a�","other":"🚀"}\n');
});

test("whatever comes, in pieces of whatever size, the frames are its lines", () => {
  const random = numbers(20_261_123);
  const bits = [
    Buffer.from("\n"),
    Buffer.from("x"),
    Buffer.from("ß🚀"),
    Buffer.from([0xff, 0]),
    Buffer.alloc(40, "y"),
  ];
  for (let round = 0; round < 3_000; round++) {
    const bytes = Buffer.concat(
      Array.from({ length: random(30) }, () => bits[random(bits.length)] ?? assert.fail()),
    );
    /** @type {(string | number)[]} */
    const found = [];
    const push = frameSplitter(64, (frame, length) => found.push(frame?.toString("latin1") ?? length));
    for (let start = 0; start < bytes.length; ) {
      const end = start + 1 + random(20);
      push(bytes.subarray(start, end));
      start = end;
    }
    const lines = bytes.toString("latin1").split("\n").slice(0, -1);
    assert.deepEqual(
      found,
      lines.map((line) => (line.length > 64 ? line.length : line)),
    );
  }
});

/**
 * The same numbers at every run, each below the given one (a linear congruential generator).
 * @param {number} seed
 */
function numbers(seed) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
