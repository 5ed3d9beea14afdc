/**
 * The person's settings file, as far as the shim looks into it: whether a sidecar has to be asked what it means
 * before the first message is. Reading it is the sidecar's.
 */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Beyond this the sidecar doesn't read it either. */
const MAX_BYTES = 64 * 1024;

/**
 * Whether the file may hold trigger words of the person's own.
 * @param {NodeJS.ProcessEnv} env
 */
export function mayNameTriggerWords(env) {
  try {
    const file = join(configFolder(env), "handoff.json");
    const { size } = statSync(file);
    return size <= MAX_BYTES && readFileSync(file, "utf8").includes("trigger_words");
  } catch {
    return false; // there is none, or none that can be read
  }
}

/** OpenCode's, on every platform. @param {NodeJS.ProcessEnv} env */
function configFolder(env) {
  return env.OPENCODE_CONFIG_DIR || join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "opencode");
}
