/**
 * What the act gives; nothing where it fails, as in a version of OpenCode that has changed: the person then has what
 * OpenCode gives them by itself.
 * @template T
 * @param {() => T} act
 */
export function quietly(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}
