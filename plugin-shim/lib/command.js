/**
 * Which command starts the sidecar: the plugin's options, else the environment, else the installed program.
 * Knows nothing of processes.
 */

const INSTALLED = ["handoff-sidecar", "stdio"];

/**
 * @param {unknown} options the plugin's: {command: [...]}
 * @param {NodeJS.ProcessEnv} env HANDOFF_SIDECAR_COMMAND: a JSON array, or words
 * @returns {string[]}
 */
export function sidecarCommand(options, env) {
  const fromOptions = /** @type {any} */ (options)?.command;
  if (isCommand(fromOptions)) return fromOptions;
  const fromEnv = env.HANDOFF_SIDECAR_COMMAND?.trim();
  if (!fromEnv) return INSTALLED;
  try {
    const parsed = JSON.parse(fromEnv);
    if (isCommand(parsed)) return parsed;
  } catch {
    // not JSON: words then
  }
  return fromEnv.split(/\s+/);
}

/**
 * @param {unknown} value
 * @returns {value is string[]}
 */
function isCommand(value) {
  return Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string" && word);
}
