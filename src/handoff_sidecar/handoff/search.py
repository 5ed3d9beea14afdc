"""Searching old messages: what a query means, where it matches, and which piece of a message to show.

Owns the query's form: words, "exact phrases", /regular expressions/. Has no clock: the caller says how much time a
regular expression has. Knows nothing of sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from handoff_sidecar.errors import BadQuery
from handoff_sidecar.handoff.transcript import Record, ends, shown

if TYPE_CHECKING:
    import regex

    from handoff_sidecar.handoff.redaction import Redact

QUERY_MAX_CHARACTERS = 500
MAX_TERMS = 24
"""Of a query that is an essay, the first so many words: each costs a pass over the whole history."""

INSIDE_A_WORD = 0.3
"""What `token` in `refreshToken` counts, against `token` at a word's beginning."""

COUNTED_AT_MOST = 50
"""Occurrences in one message: beyond this more of them say nothing more."""

OUTCOME_MAX_CHARACTERS = 300

_REGULAR_EXPRESSION = re.compile(r"/(.+)/([imsx]*)", re.DOTALL)
_PHRASE = re.compile(r'["“”]([^"“”]+)["“”]')
_WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = frozenset(
    _WORD.findall(
        "a about all an and any are as at be been but by can could did do does for from had has have how i if in into "
        "is it its me my no not of on or our out so that the their them then there they this to up us was we were what "
        "when where which who why will with would you your"
    )
)
_ENDINGS = ("sions", "sion", "ations", "ation", "ings", "ions", "ing", "ion", "ies", "ied", "ed", "es", "ly", "s", "e")
_STEM_MIN_CHARACTERS = 4

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


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of a query; `text` is in lower case, and a word's is its stem: it matches what begins with it."""

    text: str
    is_word: bool = True
    required: bool = False

    def places(self, folded: str) -> Iterator[int]:
        """Where it occurs in a text in lower case; a short word counts at the beginning of words alone."""
        anywhere = not self.is_word or len(self.text) >= _STEM_MIN_CHARACTERS
        at = folded.find(self.text)
        while at >= 0:
            if anywhere or _begins_a_word(folded, at):
                yield at
            at = folded.find(self.text, at + len(self.text))

    def frequency(self, folded: str) -> float:
        """How often it occurs, occurrences inside of words counted less."""
        places = islice(self.places(folded), COUNTED_AT_MOST)
        return sum(1.0 if not self.is_word or _begins_a_word(folded, at) else INSIDE_A_WORD for at in places)


def _begins_a_word(folded: str, at: int) -> bool:
    return at == 0 or not folded[at - 1].isalnum()


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: terms, or a regular expression."""

    terms: tuple[Term, ...]
    pattern: regex.Pattern[str] | None = None

    def frequencies(self, said: str, given: str, timeout_s: float) -> tuple[float, ...] | None:
        """How often each term occurs in what was said and done, and whether in the outputs; None if none does.

        A word that a log repeats a hundred times says no more about the message than once.

        Raises:
            BadQuery: the regular expression was still at it after `timeout_s`.
        """
        if self.pattern is not None:
            count = sum(1 for _ in self._found(said, timeout_s)) + min(1, sum(1 for _ in self._found(given, timeout_s)))
            return (float(count),) if count else None
        said, given = said.lower(), given.lower()
        counts = tuple(term.frequency(said) + min(1.0, term.frequency(given)) for term in self.terms)
        return counts if any(counts) else None

    def may_match(self, text: str) -> bool:
        """Whether a closer look at the text is worth it."""
        folded = text.lower()
        return self.pattern is not None or any(term.text in folded for term in self.terms)

    def places(self, text: str, timeout_s: float) -> list[int]:
        """Where in a text something matches, in order."""
        if self.pattern is not None:
            return list(self._found(text, timeout_s))
        folded = text.lower()
        return sorted(at for term in self.terms for at in islice(term.places(folded), COUNTED_AT_MOST))

    def _found(self, text: str, timeout_s: float) -> Iterator[int]:
        assert self.pattern is not None  # noqa: S101  # the two callers have looked
        try:
            # `concurrent`: other calls go on meanwhile.
            for count, match in enumerate(self.pattern.finditer(text, timeout=max(timeout_s, 0.001), concurrent=True)):
                yield match.start()
                if count + 1 == COUNTED_AT_MOST:
                    return
        except TimeoutError as error:
            raise BadQuery(
                f"the regular expression /{self.pattern.pattern}/ was stopped, as it took too long (nested repetitions "
                "such as (a+)+ do): make it simpler, or search for words"
            ) from error


def parse_query(text: str) -> Query:
    """The query that a model or a person wrote.

    Raises:
        BadQuery: says what is wrong with it.
    """
    text = text.strip()
    if len(text) > QUERY_MAX_CHARACTERS:
        raise BadQuery(f"the query is longer than {QUERY_MAX_CHARACTERS} characters: search for its rarest words")
    expression = _REGULAR_EXPRESSION.fullmatch(text)
    if expression:
        return Query((), _compiled(expression[1], expression[2]))
    phrases = [Term(" ".join(found.lower().split()), is_word=False, required=True) for found in _PHRASE.findall(text)]
    rest = _PHRASE.sub(" ", text).lower()
    terms = [*phrases, *_terms(rest)]
    if not terms:
        raise BadQuery('the query has no word in it: give words, an "exact phrase" or a /regular expression/')
    return Query(tuple(dict.fromkeys(terms))[:MAX_TERMS])


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
        lines = [texts[0]] if texts[0] else []
        for text, places in zip(texts[1:], found[1:], strict=True):
            if places:
                lines.append(_window(text, places, left))
                left -= len(lines[-1])
        if texts[2] and not found[2]:
            lines.append("→ " + ends(texts[2].strip(), OUTCOME_MAX_CHARACTERS))  # how it went is what is asked for
        pieces.append("\n".join(lines))
    return "\n".join(pieces)


def _window(text: str, places: list[int], most_characters: int) -> str:
    """So much of the text, where the most places lie close together."""
    if len(text) <= most_characters:
        return text
    start = max(places, key=lambda first: sum(first <= at < first + most_characters * 3 // 4 for at in places))
    start = max(0, min(start - most_characters // 4, len(text) - most_characters))
    piece = text[start : start + most_characters].strip()
    return f"{'…' if start else ''}{piece}{'…' if start + most_characters < len(text) else ''}"


def _terms(text: str) -> Iterable[Term]:
    """The words, and what is written as one with signs in it (`src/auth.ts`, `ERR_42`) also as it stands."""
    words: list[Term] = []
    for chunk in text.split():
        literal = chunk.strip(".,;:!?()[]{}'`<>")
        pieces = _WORD.findall(literal)
        if len(pieces) > 1:
            yield Term(literal, is_word=False)
        words += [Term(_stem(piece)) for piece in pieces]
    telling = [word for word in words if word.text not in _STOP_WORDS]
    yield from telling or words


def _stem(word: str) -> str:
    if word in _STOP_WORDS or not word.isalpha():
        return word
    ending = next((end for end in _ENDINGS if word.endswith(end)), "")
    return word.removesuffix(ending) if len(word) - len(ending) >= _STEM_MIN_CHARACTERS else word


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


def _compiled(source: str, flags: str) -> regex.Pattern[str]:
    import regex  # noqa: PLC0415  # only a query that is one needs it

    if _RECURSION.search(_ESCAPED.sub("", source)):
        raise BadQuery(f"/{source}/ calls itself, which can't be searched for: search for words")
    if _written_out(source) > MAX_WRITTEN_OUT:
        raise BadQuery(f"/{source}/ repeats too much: use smaller numbers in its {{}}, or `+` and `*`")
    try:
        return regex.compile(source, sum(getattr(regex, flag.upper()) for flag in set(flags)) | regex.MULTILINE)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise BadQuery(f"/{source}/ is no regular expression: {error}") from error
