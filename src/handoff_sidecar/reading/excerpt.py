"""The piece of a text, or of a message, to show for a query: where the most of it matches.

Knows nothing of the turns around it.
"""

from __future__ import annotations

from handoff_sidecar.search.query import Query
from handoff_sidecar.session.transcript import Record, ends, shown
from handoff_sidecar.text.redaction import Redact

OUTCOME_MAX_CHARACTERS = 300


def excerpt(record: Record, query: Query, *, most_characters: int, redact: Redact, timeout_s: float) -> str:
    """The pieces of a message in which something matches, as many as fit; secrets are taken out before the cut."""
    pieces: list[str] = []
    left = most_characters
    for entry in record.entries:
        if left <= 0:
            break
        texts = [shown(text, redact) for text in (entry.head, entry.taken, entry.given)]
        found = [query.places(text, timeout_s) for text in texts]
        if not any(found):
            continue
        if entry.kind == "thought":
            pieces.append(f"(thinking) {window(texts[1], found[1], left)}")
            left -= len(pieces[-1])
            continue
        lines = [texts[0]] if texts[0] else []
        for text, places in zip(texts[1:], found[1:], strict=True):
            if places:
                lines.append(window(text, places, left))
                left -= len(lines[-1])
        if texts[2] and not found[2]:
            lines.append("→ " + ends(texts[2].strip(), OUTCOME_MAX_CHARACTERS))  # how it went is what is asked for
        pieces.append("\n".join(lines))
    return "\n".join(pieces)


def window(text: str, places: list[int], most_characters: int) -> str:
    """So much of the text, where the most places lie close together."""
    if len(text) <= most_characters:
        return text
    if not places:
        return ends(text, most_characters)
    start = max(places, key=lambda first: sum(first <= at < first + most_characters * 3 // 4 for at in places))
    start = max(0, min(start - most_characters // 4, len(text) - most_characters))
    piece = text[start : start + most_characters].strip()
    return f"{'…' if start else ''}{piece}{'…' if start + most_characters < len(text) else ''}"
