"""The files that a session wrote, as one block of an answer.

For what a search for words can't be sure of: a question about a weighing lorry has no word of `Weighbridge.kt`. Owns
how many there is room for.
"""

from __future__ import annotations

from collections.abc import Sequence

from handoff_sidecar.reading.answer import Block, Room
from handoff_sidecar.session.files import relative_to_root
from handoff_sidecar.session.transcript import shown
from handoff_sidecar.text.redaction import Redact

SHARE_OF_THE_ROOM = 1 / 8
"""At most: some 40 paths of 4,000 tokens."""

HEADING = "files that were written, those nearest to the query first, then the newest"


def file_list(paths: Sequence[str], room: Room, redact: Redact, root: str) -> Block | None:
    """As many of the first ones as there is room for, relative to `root`; None if there are none."""
    named = list(dict.fromkeys(shown(relative_to_root(path, root), redact) for path in paths))
    left = int(room.tokens * SHARE_OF_THE_ROOM) - room.tokenizer.count(HEADING)
    fitting = 0
    for path in named:
        left -= room.tokenizer.count(path) + 1
        if left < 0:
            break
        fitting += 1
    if not fitting:
        return None
    more = f" (+{len(named) - fitting} more)" if fitting < len(named) else ""
    return Block("", HEADING, ", ".join(named[:fitting]) + more, data={"role": "assistant"})
