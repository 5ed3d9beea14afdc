"""What a query finds in a store: by words, ranked, or by a regular expression, the newest first.

Owns the time that a regular expression may take, and when a passage is too poor an answer to be told.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from handoff_sidecar.search.passages import passages_of
from handoff_sidecar.search.query import Query
from handoff_sidecar.search.ranking import Found, rank
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.texts import Texts

SCAN_TIMEOUT_S = 3.0
"""For a regular expression, over all that is to be searched; a model waits for it."""

SCAN_FOUND_AT_MOST = 200
"""Passages: an answer shows some forty."""

LEAST_SHARE = 0.15
"""Of the best passage's worth: of 350 answers on real sessions none stood in one that had less."""

WEAK_BELOW = 1 / 3
"""Of the query's weight: where no passage has more of its words, the answer may be elsewhere."""

_ONE_CHARACTER = re.compile(r"\\[^\w\s]|\[\^?(?:\\.|[^\]\\])+\]")
"""A sign that is meant as it stands, or a set of characters: what is around it stays what it is."""

_ANCHORED = re.compile(r"[$^]|\\[AZzG]|\(\?")
"""It may match at a passage's end, or by what is around it: a message as a whole does not tell."""

_NOT_PLAIN = re.compile(r"[|(\[]|\\[xuUNpPkg0-9]")
_LITERAL = re.compile(r"(?<!\\)\w{3,}(?![*?{])")
"""Letters that any match of a regular expression has, where it has no alternatives and no characters by number."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, best first.

    Attributes:
        missing: the words that nobody said.
        is_weak: whether the best passage has little of what was asked for.
        unsearched: how many of the oldest messages a regular expression did not come to.
    """

    found: Sequence[Found]
    missing: tuple[str, ...] = ()
    is_weak: bool = False
    unsearched: int = 0


def find(query: Query, store: Store, scope: Sequence[range], texts: Texts, *, expands: bool = True) -> Findings:
    """What a query finds in these rows.

    Raises:
        BadQuery: a regular expression took too long at one text.
    """
    if query.pattern is not None:
        return _scanned(query, store, scope)
    ranking = rank(query, store, scope, texts, expands=expands)
    least = LEAST_SHARE * ranking.found[0].worth if ranking.found else 0.0
    kept = [each for each in ranking.found if each.worth >= least]
    return Findings(kept, ranking.missing, is_weak=ranking.held < WEAK_BELOW)


def _scanned(query: Query, store: Store, scope: Sequence[range]) -> Findings:
    deadline = time.monotonic() + SCAN_TIMEOUT_S
    found: list[Found] = []
    literal, is_told_by_text = _literal_of(query), not _ANCHORED.search(_plain(query))
    left = sum(map(store.count, scope))
    for rows in reversed(scope):
        for first, text in store.texts(rows):
            if time.monotonic() > deadline or len(found) >= SCAN_FOUND_AT_MOST:
                return Findings(found, unsearched=left)
            left -= 1
            left_s = deadline - time.monotonic()
            if literal not in text.lower():
                continue
            # To cut a message into passages takes longer than to look through it.
            if not is_told_by_text or any(True for _ in query.places(text, left_s)):
                found += _matches(query, store, first, left_s)
    return Findings(found)


def _literal_of(query: Query) -> str:
    """Small letters that a text must have for the regular expression to match; mostly they are looked for faster."""
    source = _plain(query)
    if _NOT_PLAIN.search(source):
        return ""
    return max((found.lower() for found in _LITERAL.findall(source)), key=len, default="")


def _plain(query: Query) -> str:
    """The regular expression with one sign for each sign or set of characters in it."""
    return _ONE_CHARACTER.sub("\0", query.pattern.pattern) if query.pattern is not None else ""


def _matches(query: Query, store: Store, first: int, left_s: float) -> list[Found]:
    """The passages of a message in which something matches, or begins to."""
    texts = [passage.text for passage in passages_of(store.record_at(first))]
    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
    places = sorted({bisect_right(starts, at) - 1 for at in query.places("\n".join(texts), left_s)})
    if not places:
        return []
    (layout,) = store.layouts(range(first, first + 1))
    return [Found(first + place, layout, place, 1.0, 1.0) for place in places if place < len(layout)]
