"""Regular expressions that a model or a person wrote: those that would take all memory are refused.

How long one may take is the search's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from handoff_sidecar.errors import BadQuery

if TYPE_CHECKING:
    import regex

MAX_WRITTEN_OUT = 20_000
"""Of a regular expression: with 100,000 the engine takes 100 MB, and with nested counts all that there is."""

_ESCAPED = re.compile(r"\\.", re.DOTALL)
_RECURSION = re.compile(r"\(\?(?:R|[+-]?\d+\)|&|P>)")
"""The engine follows it in memory, a gigabyte in a second."""

_REPEAT = re.compile(r"\{([^{}]*)\}")
_IGNORED_IN_A_REPEAT = re.compile(r"\s|#[^\n]*")
"""With the flag `x`."""

_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""What is one piece: an escaped character, a class of them."""


def compiled(source: str, flags: str) -> regex.Pattern[str]:
    """The regular expression.

    Raises:
        BadQuery: it is none, or would take all memory.
    """
    import regex  # noqa: PLC0415  # only a query that is one needs it

    if _RECURSION.search(_ESCAPED.sub("", source)):
        raise BadQuery(f"/{source}/ refers to itself, which is not supported: search for words")
    if _written_out(source) > MAX_WRITTEN_OUT:
        raise BadQuery(f"/{source}/ repeats too much: use smaller numbers in its {{}}, or `+` and `*`")
    try:
        return regex.compile(source, sum(getattr(regex, flag.upper()) for flag in set(flags)) | regex.MULTILINE)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise BadQuery(f"/{source}/ is not a regular expression: {error}") from error


def _written_out(source: str) -> int:
    """How long a regular expression is with every counted repetition written out, as the engine has it in memory."""
    open_groups: list[int] = []
    length = last = at = 0
    while at < len(source):
        repeat = _REPEAT.match(source, at)
        if repeat:
            counts = re.findall(r"\d+", _IGNORED_IN_A_REPEAT.sub("", repeat[1]))
            times = max(1, *(int(count) for count in counts)) if counts else 1
            length, last, at = length + last * (times - 1), last * times, repeat.end()
            continue
        piece = _PIECE.match(source, at)
        text = piece[0] if piece else source[at]
        at += len(text)
        if text == "(":
            open_groups.append(length)
            length = last = 0
        elif text == ")" and open_groups:
            last = max(length, 1)
            length = open_groups.pop() + last
        else:
            last = 1
            length += 1
    return length + sum(open_groups)
