"""Passages as blocks of an answer: what each stands in, who speaks, and which say what a later one says anew.

Owns how many of the found ones fit, their order (the newest first), and the line above each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from handoff_sidecar.reading.answer import Answer, Block
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.search.passages import Passage
from handoff_sidecar.search.ranking import Found
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.terms import terms_in
from handoff_sidecar.search.texts import Texts
from handoff_sidecar.session.transcript import shown, time_of
from handoff_sidecar.text.plain_text import one_line

ASKED_MAX_CHARACTERS = 80
CALL_MAX_CHARACTERS = 110

LABEL_TOKENS = 25
"""Who speaks, and for every other message when, and in answer to what."""

LEAST_TOKENS = 60
"""Less room than this holds no passage."""

TOLD_LINE_CHARACTERS = 20
"""Shorter lines stand in many texts."""

TOLD_SHARE = 0.8
"""Of a passage's lines, if other passages show them already: a file that was read again."""

ALIKE_SHARE = 0.8
"""Of the words of two passages: only a name, a number or a time differs."""

FOREMOST_SHARE = 0.5
"""Of the best passage's worth: those above it come before the others, each with the newest first."""

SAME_MATTER_HELD = 0.35
SAME_MATTER_SHARE = 0.8
"""A passage is older than another one if that one came later, and both are among the best, or it has the query's words
nearly as much."""


_MANNERS = {"thought": "thought", "command": "done", "call": "done", "output": "came out", "failed": "came out"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage that is shown, without secrets."""

    found: Found
    passage: Passage
    head: str
    text: str
    tokens: int

    @property
    def row(self) -> int:
        """Where it is in the store."""
        return self.found.row


def chosen(found: Iterable[Found], texts: Texts, manner: Manner, tokens: int) -> list[Shown]:
    """The best passages that fit into so many tokens, each once; secrets are taken out."""
    kept: list[Shown] = []
    told: set[str] = set()
    vocabularies: list[frozenset[str]] = []
    messages: set[int] = set()
    left = tokens
    for each in found:
        passage = texts.passage(each.message.first, each.place)
        words = frozenset(terms_in(passage.text))
        lines = {line for line in map(_bare, passage.text.splitlines()) if len(line) >= TOLD_LINE_CHARACTERS}
        if len(lines & told) > TOLD_SHARE * len(lines) or any(_are_alike(words, other) for other in vocabularies):
            continue
        text = shown(passage.text, manner.redact)
        tokens = manner.room.tokenizer.count(text) + 2
        cost = tokens + (0 if each.message.first in messages else LABEL_TOKENS)
        if cost > left:
            if left < LEAST_TOKENS:
                break
            continue
        told |= lines
        vocabularies.append(words)
        left -= cost
        messages.add(each.message.first)
        kept.append(Shown(each, passage, shown(passage.head, manner.redact), text, tokens))
    return kept


def filled(answer: Answer, kept: list[Shown], manner: Manner, compose: Callable[[list[Shown]], Answer]) -> Answer:
    """The answer with as many of the passages as there is room for, the best ones.

    Args:
        compose: the answer with these passages, however long.
    """
    while kept:
        full = compose(kept)
        excess = manner.room.tokenizer.count(full.for_model()) - manner.room.tokens
        if excess <= 0:
            return full
        while kept and excess > 0:
            excess -= kept[-1].tokens
            kept = kept[:-1]
    empty = compose(kept)
    return manner.room.fill(answer, (), lambda _: empty.said, ahead=empty.blocks)


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two passages have nearly the same words."""
    return len(one & other) >= ALIKE_SHARE * len(one | other)


def _bare(line: str) -> str:
    """A line as it is compared: without the number that a tool puts before it."""
    return line.strip().lstrip("0123456789→|:- \t")


def blocks_of(kept: Sequence[Shown], store: Store, manner: Manner, *, names_sessions: bool = False) -> list[Block]:
    """The passages, the newest first, those in answer to one request together."""
    best = max((each.found.worth for each in kept), default=0.0)

    def order(each: Shown) -> tuple[bool, float, int]:
        return _is_foremost(each, best), each.found.message.created, each.row

    in_order = sorted(kept, key=order, reverse=True)
    asked = {each.row: store.asked_before(each.found.message.first) for each in in_order}
    older = _older(kept, asked)
    blocks = []
    for request, group in groupby(in_order, key=lambda each: asked[each.row]):
        together = sorted(group, key=lambda each: (each.found.message.created, each.row), reverse=True)
        newest = together[0].found.message
        body = "\n".join(_told(together, older))
        blocks.append(
            Block(
                newest.id,
                " · ".join(_heading(request, together[0], store, manner, names_sessions=names_sessions)),
                body,
                data={"id": newest.id, "role": newest.role, "time": time_of(newest.created)},
            )
        )
    return blocks


def _heading(
    request: tuple[int, str] | None, newest: Shown, store: Store, manner: Manner, *, names_sessions: bool
) -> Iterator[str]:
    if names_sessions:
        yield store.session_of(newest.row)
    yield time_of(newest.found.message.created)
    yield newest.found.message.id
    if request is not None and newest.found.speaker != "person":
        yield f"in answer to {manner.redact(one_line(request[1], ASKED_MAX_CHARACTERS))!r}"


def _told(together: Sequence[Shown], older: frozenset[int]) -> Iterator[str]:
    """The lines of a block: its messages, the newest first, each one's passages in their order."""
    for _, group in groupby(together, key=lambda each: each.found.message.first):
        before: Shown | None = None
        for each in sorted(group, key=lambda each: each.row):
            if before is None or not _go_together(before, each):
                gap = " " if "\n" not in each.text else "\n"
                yield f"{_who(each, before)}{' (older)' if each.row in older else ''}:{gap}{each.text}"
            elif each.row == before.row + 1:
                yield each.text
            else:
                yield f"…\n{each.text}"
            before = each


def _go_together(one: Shown, other: Shown) -> bool:
    return one.passage.entry == other.passage.entry and one.found.speaker == other.found.speaker


def _who(each: Shown, before: Shown | None) -> str:
    """Who speaks, in front of what they say."""
    speaker = each.found.speaker
    head = one_line(each.head.removeprefix("- "), CALL_MAX_CHARACTERS)
    if speaker == "person":
        return f"user, to the call {head}" if head else "user"
    if speaker in {"agent", "thought"}:
        return "assistant" if speaker == "agent" else "(thinking)"
    if speaker == "summary":
        return "summary" if each.found.message.role != "user" else "brief of a handoff"
    if speaker in {"command", "call"}:
        return head
    if speaker == "note":
        return "note"
    is_known = before is not None and before.passage.entry == each.passage.entry
    return "→" if is_known else f"{head} →"


def _older(kept: Sequence[Shown], asked: Mapping[int, tuple[int, str] | None]) -> frozenset[int]:
    """The rows of passages on a matter that a later one speaks of, too: in a later turn, or a call made once more."""
    best = max((each.found.worth for each in kept), default=0.0)
    found = [each for each in kept if _is_foremost(each, best) or each.found.held >= SAME_MATTER_HELD]

    def is_later(later: Shown, each: Shown) -> bool:
        if later.found.message.created <= each.found.message.created or _manner(later) != _manner(each):
            return False
        if asked[later.row] == asked[each.row] and _manner(each) == "said":
            return False
        both = _is_foremost(later, best) and _is_foremost(each, best)
        return both or later.found.held >= max(SAME_MATTER_SHARE * each.found.held, SAME_MATTER_HELD)

    return frozenset(each.row for each in found if any(is_later(later, each) for later in found))


def _is_foremost(each: Shown, best: float) -> bool:
    return each.found.worth >= FOREMOST_SHARE * best


def _manner(each: Shown) -> str:
    """Whether something was said, thought, done, or came out."""
    return _MANNERS.get(each.found.speaker, "said")
