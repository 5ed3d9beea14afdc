/**
 * What stands beside the prompt: one short line, mostly empty. Subtracts, and knows nothing of how the points came about.
 */

/** From this share of the way to a point on it is told of. */
const NEAR = 0.8;

/** The line shares its place with the names of agent and model; narrow terminals have little room. */
const NARROW_COLUMNS = 80;
const TITLE_LENGTH = { narrow: 16, wide: 40 };

/**
 * @typedef {object} Standing how a session stands
 * @property {string | undefined} wentTo the title of the session in which its work goes on
 * @property {boolean} isLeaving whether a handoff is under way
 * @property {number} used tokens after the last step
 * @property {number | null} compacts where OpenCode compacts
 * @property {number | null} handsOff where we hand off, if that is set
 * @property {number} columns of the terminal
 */

/** @param {Standing} standing */
export function lineOf({ wentTo, isLeaving, used, compacts, handsOff, columns }) {
  if (isLeaving) return "handing off …";
  if (wentTo !== undefined)
    return `→ ${shortened(wentTo, columns < NARROW_COLUMNS ? TITLE_LENGTH.narrow : TITLE_LENGTH.wide)}`;
  const point = handsOff ?? compacts;
  if (!point || used < point * NEAR) return "";
  const what = handsOff ? "handoff" : "compacts";
  const rest = Math.max(0, point - used);
  return rest < 1_000 ? `${what} soon` : `${what} in ${Math.round(rest / 1_000)}k`;
}

/** @param {string} text @param {number} most */
function shortened(text, most) {
  const characters = [...text];
  return characters.length > most
    ? `${characters
        .slice(0, most - 1)
        .join("")
        .trimEnd()}…`
    : text;
}

/**
 * Tokens of a session after its last step, as OpenCode counts them; 0 where that isn't known, as after a compaction.
 * @param {any[]} messages
 */
export function usedBy(messages) {
  const last = messages.findLast(
    ({ role, tokens }) => role === "assistant" && tokens && (tokens.total || tokens.output),
  );
  if (!last || last.summary === true) return 0;
  const { total, input = 0, output = 0, cache = {} } = last.tokens;
  return total || input + output + (cache.read ?? 0) + (cache.write ?? 0);
}

/**
 * The model that a session goes on with, as `provider/model`.
 * @param {any[]} messages
 */
export function modelOf(messages) {
  const last = messages.findLast(({ role }) => role === "user")?.model;
  return last ? `${last.providerID}/${last.modelID}` : "";
}
