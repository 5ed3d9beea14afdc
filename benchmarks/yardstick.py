"""The yardstick that our search is held against: SQLite's full-text search as it is, in one answer of as many tokens.

Passages of whole lines, ranked by BM25, the best ones until the answer is full. Has no prompt, no list of rules, and no
idea of who speaks.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from benchmarks.probes import plain
from handoff_sidecar.text.tokens import Tokenizer

PASSAGE_CHARACTERS = 600
MOST_PASSAGES = 80

_WORD = re.compile(r"\w+")


class Yardstick:
    """One session, indexed."""

    def __init__(self, messages: list[dict[str, Any]], tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._db = sqlite3.connect(":memory:")
        self._db.execute("create virtual table passage using fts5(text, tokenize='porter unicode61')")
        rows = ((piece,) for message in messages for piece in _pieces(plain([message])))
        self._db.executemany("insert into passage values (?)", rows)

    def answer(self, query: str, tokens: int) -> str:
        """The best passages, up to so many tokens."""
        words = dict.fromkeys(word.lower() for word in _WORD.findall(query))
        if not words:
            return ""
        wanted = " OR ".join(f'"{word}"' for word in words)
        found = self._db.execute(
            "select text from passage where passage match ? order by rank limit ?", (wanted, MOST_PASSAGES)
        )
        shown: list[str] = []
        for (text,) in found:
            cost = self._tokenizer.count(text)
            if cost <= tokens:
                shown.append(text)
                tokens -= cost
        return "\n".join(shown)


def _pieces(text: str) -> Iterator[str]:
    held = ""
    for line in text.splitlines(keepends=True):
        for at in range(0, len(line), PASSAGE_CHARACTERS):
            piece = line[at : at + PASSAGE_CHARACTERS]
            if len(held) + len(piece) > PASSAGE_CHARACTERS:
                yield held
                held = ""
            held += piece
    if held.strip():
        yield held
