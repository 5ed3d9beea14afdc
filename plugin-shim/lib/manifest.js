/**
 * tools.json: the tools, commands and default trigger that Python's models generate.
 * Knows nothing of what they are for.
 */
import { readFileSync } from "node:fs";

/**
 * @typedef {object} Manifest
 * @property {{name: string, description: string, parameters: object}[]} tools
 * @property {{name: string, description: string, template: string}[]} commands
 * @property {{source: string, flags: string}} triggerPattern
 */

/** @returns {Manifest} */
export function readManifest() {
  return JSON.parse(readFileSync(new URL("../tools.json", import.meta.url), "utf8"));
}
