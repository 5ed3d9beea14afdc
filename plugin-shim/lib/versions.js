/** OpenCode's version against the oldest one that has what a handoff needs. Knows nothing of what that is. */

/**
 * Whether OpenCode is too old. A version that isn't three numbers, or is 0.0.0, is a developer's build and new.
 * @param {string} version
 * @param {string} oldest
 */
export function isOlder(version, oldest) {
  const [mine, theirs] = [numbers(version), numbers(oldest)];
  if (!mine || !theirs || mine.every((number) => number === 0)) return false;
  const place = mine.findIndex((number, index) => number !== theirs[index]);
  return place >= 0 && Number(mine[place]) < Number(theirs[place]);
}

/** @param {string} version */
function numbers(version) {
  return /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
}
