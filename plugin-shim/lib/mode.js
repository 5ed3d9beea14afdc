/** What kind of OpenCode this process is. */

/** @typedef {"tui" | "run" | "serve" | "other"} Mode */

/** What serves until it is ended; `web` opens a browser beside that. @type {Map<string, Mode>} */
const COMMANDS = new Map([
  ["run", "run"],
  ["serve", "serve"],
  ["web", "serve"],
]);

/**
 * The TUI's plugins run in a worker of their own; for the rest the first word of the command line says it.
 * @param {string[]} argv
 * @returns {Mode}
 */
export function modeOf(argv) {
  if (/[\\/]tui[\\/]worker\.(js|ts)$/.test(argv[1] ?? "")) return "tui";
  // Not simply the first word: `opencode -m some/model run` has a value before it.
  const [mode] = argv.slice(2).flatMap((word) => COMMANDS.get(word) ?? []);
  if (mode) return mode;
  return argv.slice(2).some((word) => !word.startsWith("-")) ? "other" : "tui";
}
