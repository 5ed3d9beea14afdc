/** What of a message a person has typed. */

/** @param {any} part a file counts too */
export function isOfAPerson(part) {
  return part !== null && !part?.synthetic;
}

/** @param {any[]} parts */
export function typedText(parts) {
  return parts
    .filter((part) => part?.type === "text" && !part.synthetic && typeof part.text === "string")
    .map((part) => part.text)
    .join("\n");
}
