/**
 * tools.json: all that this side has from Python, which makes it. Tools, commands, the default trigger, limits, waits,
 * codes, and every sentence. Knows nothing of what they are for.
 */
import { readFileSync } from "node:fs";

/** @typedef {typeof import("../tools.json")} Manifest */

/** @type {Manifest} */
export const MANIFEST = read("../tools.json");

/** The version of this plugin, which is the Python package's too. @returns {string} */
export const readVersion = () => read("../package.json").version;

/**
 * A sentence with its `{words}` in place.
 * @param {string} sentence
 * @param {Record<string, unknown>} words
 */
export function fill(sentence, words) {
  return sentence.replace(/\{(\w+)\}/g, (hole, name) => (name in words ? String(words[name]) : hole));
}

/** @param {string} name */
function read(name) {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
}
