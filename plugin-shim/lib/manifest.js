/**
 * tools.json: the tools, commands and default trigger that Python's models generate, and the oldest OpenCode.
 * Knows nothing of what they are for.
 */
import { readFileSync } from "node:fs";

/**
 * @typedef {object} Manifest
 * @property {number} protocolVersion
 * @property {{name: string, description: string, parameters: object}[]} tools
 * @property {{name: string, description: string, template: string, immediate?: boolean}[]} commands
 * @property {{source: string, flags: string}} triggerPattern
 * @property {{source: string, flags: string}} signedByAPlugin
 * @property {{oldest: string}} openCode
 */

/** @returns {Manifest} */
export function readManifest() {
  return JSON.parse(readFileSync(new URL("../tools.json", import.meta.url), "utf8"));
}

/** The version of this plugin, which is the Python package's too. @returns {string} */
export function readVersion() {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}
