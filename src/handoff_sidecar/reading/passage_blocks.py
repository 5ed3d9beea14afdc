"""Passages as blocks of an answer: what each stands in, and who speaks.

Owns how many of the found ones fit, and the line above each. Which ones are on the same matter, is `matters`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from handoff_sidecar.reading.answer import Answer, Block
from handoff_sidecar.reading.matters import Matters
from handoff_sidecar.reading.shown import Shown, Turn
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.search.query import STOP_WORDS, Query
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


def chosen(found: Iterable[Found], store: Store, texts: Texts, manner: Manner, tokens: int) -> list[Shown]:
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
        turn = store.asked_before(each.message.first)
        kept.append(Shown(each, passage, shown(passage.head, manner.redact), text, tokens, words - STOP_WORDS, turn))
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


def blocks_of(
    kept: Sequence[Shown], store: Store, manner: Manner, query: Query, *, in_all: bool = False
) -> list[Block]:
    """The passages in blocks, those in answer to one request together.

    Args:
        kept: best first.
        in_all: whether they are of several sessions, which are named.
    """
    matters = Matters(kept, query, in_all=in_all)
    together: dict[Turn, list[Shown]] = {}
    for each in matters.in_order():
        together.setdefault(each.turn, []).append(each)
    blocks = []
    for passages in together.values():
        told = sorted(passages, key=lambda each: (each.found.message.created, each.row), reverse=True)
        newest = told[0].found.message
        heading = " · ".join(_heading(told[0], store, manner, names_session=in_all))
        data = {"id": newest.id, "role": newest.role, "time": time_of(newest.created)}
        blocks.append(Block(newest.id, heading, "\n".join(_told(told, matters.older)), data=data))
    return blocks


def _heading(newest: Shown, store: Store, manner: Manner, *, names_session: bool) -> Iterator[str]:
    request = newest.turn
    if names_session:
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
