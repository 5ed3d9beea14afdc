"""Parts that are added to a message on its way to the model, and the ids that keep them in their place."""

from __future__ import annotations

import re
import secrets
import string
import time
from collections.abc import Iterable
from typing import Any

_ID = re.compile(r"prt_([0-9a-f]{12})[0-9A-Za-z]{14}")
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 14
_COUNTS_A_MS = 0x1000
_LAST_TIME = (1 << 48) - 1


def hidden_text(text: str, session_id: str, message_id: str, *, after: Iterable[str]) -> dict[str, Any]:
    """A text part as OpenCode stores it, which the model reads and nobody sees, behind the parts with these ids."""
    return {
        "id": part_id_after(after),
        "sessionID": session_id,
        "messageID": message_id,
        "type": "text",
        "synthetic": True,
        "text": text,
    }


def part_id_after(ids: Iterable[str]) -> str:
    """An id that sorts after the others.

    OpenCode shows a message's parts in the order of their ids, which are `prt_`, 12 hexadecimal digits (milliseconds
    times 0x1000, plus a counter), and 14 random base62 characters (seen in 1.1.65 to 1.18.33): one more on the counter
    is what OpenCode's own next part would have. An id of any other form is made longer, which sorts after it too.
    """
    last = max((part_id for part_id in ids if part_id.startswith("prt_")), default=None)
    if last is None:
        return _part_id(time.time_ns() // 1_000_000 * _COUNTS_A_MS & _LAST_TIME)
    known = _ID.fullmatch(last)
    count = int(known[1], 16) if known else _LAST_TIME
    return f"{last}1" if count == _LAST_TIME else _part_id(count + 1)


def _part_id(count: int) -> str:
    return f"prt_{count:012x}" + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_CHARACTERS))
