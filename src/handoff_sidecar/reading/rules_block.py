"""The user's statements that may be standing rules, as one block of an answer.

For what a search for words can't find: a question about translations has no word of "All labels go through i18n". Owns
how many there is room for.
"""

from __future__ import annotations

from collections.abc import Sequence

from handoff_sidecar.reading.answer import Block, Room
from handoff_sidecar.session.statements import Statement
from handoff_sidecar.session.transcript import shown, time_of
from handoff_sidecar.text.redaction import Redact

SHARE_OF_THE_ROOM = 1 / 3
"""At most: 50 statements of 4,000 tokens, beside which the best matches have room."""

SHARE_OF_A_GUESS = 1 / 6
"""Where nobody asked for rules: some 25 statements."""

HEADING = "user · what may be a standing rule, those nearest to the query first, each with its time (UTC)"


def rulebook(found: Sequence[Statement], room: Room, redact: Redact, *, is_guess: bool) -> Block | None:
    """A line for each statement, as many of the first ones as there is room for; None if there are none.

    Args:
        is_guess: whether nobody asked for rules.
    """
    if not found:
        return None
    left = int(room.tokens * (SHARE_OF_A_GUESS if is_guess else SHARE_OF_THE_ROOM)) - room.tokenizer.count(HEADING)
    lines: list[str] = []
    for statement in found:
        line = f"- {time_of(statement.created).removesuffix(' UTC')}: {shown(statement.text, redact)}"
        left -= room.tokenizer.count(line) + 1
        if left < 0:
            lines.append(f"(+{len(found) - len(lines)} more)")
            break
        lines.append(line)
    return Block("", HEADING, "\n".join(lines), data={"role": "user"}) if len(lines) > 1 or left >= 0 else None
