"""Words that developers use for the same thing: whoever asks for a folder is glad of a directory.

The table, `synonyms.txt`, has one group a line. It was written from how developers speak, without a look at the
sessions that the search is measured on. A word in two groups has the words of both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

LEAST_BASE_CHARACTERS = 3

_ENDINGS = (("ies", "y"), ("ied", "y"), ("es", ""), ("s", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""))
"""How an English word's ending may have been put on, and what stood in its place."""


def synonyms_of(term: str) -> frozenset[str]:
    """Other words for the same thing; none for most terms."""
    table = _table()
    return frozenset(other for base in _bases(term) for other in table.get(base, ())) - {term}


def _bases(term: str) -> Iterator[str]:
    yield term
    for ending, before in _ENDINGS:
        stem = term.removesuffix(ending)
        if stem != term and len(stem) >= LEAST_BASE_CHARACTERS:
            yield stem + before
            if stem[-1] == stem[-2] and not before:  # `skipped`
                yield stem[:-1]


@cache
def _table() -> Mapping[str, frozenset[str]]:
    words: dict[str, set[str]] = defaultdict(set)
    text = resources.files(__package__).joinpath("synonyms.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        group = line.split()
        for word in group:
            words[word].update(group)
    return {word: frozenset(group) for word, group in words.items()}
