/**
 * Lines of bytes: cuts a stream into frames at "\n", and makes a frame of a message.
 * Knows nothing of what is inside a frame, nor of who reads or writes it.
 */
import { Failure } from "./failures.js";
import { MANIFEST } from "./manifest.js";

const NEWLINE = 0x0a;

/** How JSON.stringify writes a surrogate without its partner. */
const HALF_A_PAIR = /\\ud[89a-f]/;

/**
 * One line for the wire, newline included.
 * @param {unknown} message
 * @param {number} [limitBytes] for the line without its newline
 * @returns {string}
 * @throws {Failure} tooLarge; nothing was written
 */
export function encodeFrame(message, limitBytes = MANIFEST.maxFrameBytes) {
  let line = JSON.stringify(message);
  // Half an emoji, as a model's cut-off arguments may hold: the other side would refuse the whole line.
  if (HALF_A_PAIR.test(line)) line = JSON.stringify(message, wellFormed);
  const bytes = Buffer.byteLength(line);
  if (bytes > limitBytes) throw new Failure("tooLarge", { bytes, limitBytes });
  return `${line}\n`;
}

/**
 * @param {string} _
 * @param {unknown} value
 */
function wellFormed(_, value) {
  return typeof value === "string" ? Buffer.from(value, "utf8").toString("utf8") : value;
}

/** Hands over each complete line once. A line over the limit is skipped to its newline and reported. */
export class FrameSplitter {
  #limitBytes;
  #onFrame;
  #onTooLarge;
  /** Pieces of the unfinished line: joined once, at its end, so that the cost stays linear. @type {Uint8Array[]} */
  #pieces = [];
  #bytes = 0;

  /**
   * @param {object} to
   * @param {(frame: Buffer) => void} to.onFrame
   * @param {(error: Failure) => void} to.onTooLarge
   * @param {number} [to.limitBytes]
   */
  constructor({ onFrame, onTooLarge, limitBytes = MANIFEST.maxFrameBytes }) {
    this.#onFrame = onFrame;
    this.#onTooLarge = onTooLarge;
    this.#limitBytes = limitBytes;
  }

  /** @param {Uint8Array} chunk */
  push(chunk) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    this.#add(chunk.subarray(start));
  }

  /** @param {Uint8Array} piece */
  #add(piece) {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (this.#bytes > this.#limitBytes) this.#pieces = [];
    else this.#pieces.push(piece);
  }

  #finish() {
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    this.#pieces = [];
    this.#bytes = 0;
    if (bytes > this.#limitBytes)
      this.#onTooLarge(new Failure("tooLarge", { bytes, limitBytes: this.#limitBytes }));
    else this.#onFrame(Buffer.concat(pieces, bytes));
  }
}
