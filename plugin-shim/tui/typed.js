/**
 * What of the typed text is a command of ours. Whatever is not quite so is OpenCode's.
 */

/** A command stands alone in its line, as OpenCode takes it, too. */
const COMMAND = /^\/([a-z][a-z-]*)(?:[ \t]+(.*?))?[ \t]*$/;

/**
 * @param {unknown} text
 * @param {string[]} names
 * @returns {{name: string, words: string} | null}
 */
export function commandIn(text, names) {
  if (typeof text !== "string" || text.includes("\n")) return null;
  const [, name = "", words = ""] = COMMAND.exec(text) ?? [];
  return names.includes(name) ? { name, words } : null;
}
