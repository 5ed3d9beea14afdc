/** What kind of OpenCode this process is. */

/** @typedef {"tui" | "run" | "serve" | "other"} Mode */

/**
 * The TUI's plugins run in a worker of their own; for the rest the first word of the command line says it.
 * @param {string[]} argv
 * @returns {Mode}
 */
export function modeOf(argv) {
  if (/[\\/]tui[\\/]worker\.(js|ts)$/.test(argv[1] ?? "")) return "tui";
  // Not simply the first word: `opencode -m some/model run` has a value before it.
  const command = argv.slice(2).find((word) => word === "run" || word === "serve");
  if (command === "run" || command === "serve") return command;
  return argv.slice(2).some((word) => !word.startsWith("-")) ? "other" : "tui";
}
