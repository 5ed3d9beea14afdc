// @bun
/**
 * The pattern of messages that may be the trigger. The sidecar leaves the person's own in a file, so that it counts
 * before one is started; where that file can't be trusted, the sidecar is asked of each message until it has told.
 */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { MANIFEST } from "./manifest.js";

/** @typedef {{source: string, flags: string}} Pattern */

export class Trigger {
  #pattern = new RegExp(MANIFEST.triggerPattern.source, MANIFEST.triggerPattern.flags);
  /** Whether the pattern is the person's, or will stay as it is. */
  isKnown = false;

  /** @param {NodeJS.ProcessEnv} env */
  constructor(env) {
    try {
      const pattern = patternOf(env);
      if (pattern) this.adopt(pattern);
      this.isKnown = true; // without settings there are no words of one's own
    } catch {
      // No file, one of other settings, or one that can't be read: the sidecar will tell.
    }
  }

  /** @param {string} text */
  test(text) {
    return this.#pattern.test(text);
  }

  /** @param {Pattern} pattern */
  adopt(pattern) {
    this.#pattern = new RegExp(pattern.source, pattern.flags);
    this.isKnown = true;
  }
}

/**
 * The person's own, or null if there are no settings.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Pattern | null}
 * @throws {Error} it is not known
 */
function patternOf({ OPENCODE_CONFIG_DIR, XDG_CONFIG_HOME, XDG_STATE_HOME, LOCALAPPDATA, HOME }) {
  const home = HOME || homedir();
  const config = OPENCODE_CONFIG_DIR || join(XDG_CONFIG_HOME || join(home, ".config"), "opencode");
  const path = join(config, "handoff.json");
  const settings = statSync(path, { throwIfNoEntry: false });
  if (!settings) return null;
  /** @type {Partial<Record<string, string | undefined>>} */
  const others = { win32: LOCALAPPDATA, darwin: join(home, "Library", "Application Support") };
  const states = others[process.platform] ?? (XDG_STATE_HOME || join(home, ".local", "state"));
  const left = JSON.parse(readFileSync(join(states, "handoff-sidecar", "trigger.json"), "utf8"));
  const { size, mtimeMs } = settings;
  if (left.path !== path || left.bytes !== size || left.time !== Math.floor(mtimeMs))
    throw new Error("the settings have changed since, or are others");
  return left;
}
