// @bun
/**
 * tools.json: all that this side has from Python, which makes it. Tools, commands, the default trigger, limits, waits,
 * codes, and every sentence. Knows nothing of what they are for.
 */
import { readFileSync } from "node:fs";

/** @typedef {typeof import("../tools.json")} Manifest */

/** @type {Manifest} */
export const MANIFEST = JSON.parse(readFileSync(new URL("../tools.json", import.meta.url), "utf8"));

/**
 * A sentence with its `{words}` in place.
 * @param {string} sentence
 * @param {Record<string, unknown>} words
 */
export function fill(sentence, words) {
  return sentence.replace(/\{(\w+)\}/g, (hole, name) => (name in words ? String(words[name]) : hole));
}
