"""Terms: what of a text is looked up by, the same for what is kept and for what is searched.

Owns how words are cut that a tokenizer for English prose would miss: names in code by their parts, scripts without
blanks by pairs of letters. Stems and case are the index's (`porter unicode61`).
"""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W_]+")

_NAME = re.compile(r"(?<![A-Za-z])(?:[A-Z]*+[a-z]++[A-Z]|[A-Z]{2,}+[a-z])[A-Za-z]*+")
"""`refreshToken`, `JSONPath`; the parts of `SESSION_ID`, `src/auth.ts` and `--no-verify` have signs between them."""

_HAS_A_NAME = re.compile(r"[A-Z](?:(?<=[a-z].)|[A-Z][a-z])")
"""Such a name is somewhere in the text; this takes a seventh of the time, and half of all passages have none."""

_PART_OF_A_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_LINE_NUMBERS = re.compile(r"(?m)^ *\d+[→|:-]")
"""Before the lines of a file that was read or searched: a tenth of the index, and nobody asks for them."""

_WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uff66-\uff9d]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese, and Korean, whose words have endings that pairs of letters see past."""


def indexed(text: str) -> str:
    """A text as the index takes it: its words, and the parts of those that are names in code."""
    if not text.isascii():
        text = _WITHOUT_BLANKS.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", text)
    if _LINE_NUMBERS.match(text):
        text = _LINE_NUMBERS.sub("", text)
    if not _HAS_A_NAME.search(text):
        return text
    parts = {part.lower() for name in set(_NAME.findall(text)) for part in _PART_OF_A_NAME.findall(name)}
    return f"{text}\n{' '.join(sorted(parts))}"


def terms_in(text: str) -> list[str]:
    """The terms of a text, each once and in lower case; a name in code gives itself and its parts."""
    return list(dict.fromkeys(term.lower() for term in WORD.findall(indexed(text))))


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]
