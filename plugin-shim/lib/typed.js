/** What of a message was typed. */

/** @param {any[]} parts */
export function typedText(parts) {
  return parts
    .filter((part) => part?.type === "text" && !part.synthetic && typeof part.text === "string")
    .map((part) => part.text)
    .join("\n");
}
