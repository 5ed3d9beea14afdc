"""The answers to a query in one history: each match with the turn around it.

Owns what is shown of a match. Runs beside the event loop, as it goes through the whole history.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from handoff_sidecar.reading.answer import Block, Line
from handoff_sidecar.reading.definition import ReadSession
from handoff_sidecar.reading.files_block import files_of
from handoff_sidecar.reading.history import History
from handoff_sidecar.reading.rules_block import requests_of
from handoff_sidecar.reading.turn_digest import Digest
from handoff_sidecar.search.query import Query, parse_query
from handoff_sidecar.search.ranking import Candidate, Ranking, rank
from handoff_sidecar.search.turns import Group, Turn, grouped, ordered
from handoff_sidecar.session.statements import Statement, statements
from handoff_sidecar.session.transcript import Record, time_of
from handoff_sidecar.text.counts import count, so_many
from handoff_sidecar.text.redaction import Redact

DIGEST_MAX_CHARACTERS = 1_200
"""Of a turn, some fifteen lines: so that 4,000 tokens hold the ten best with what was asked, done and answered."""

EXCERPT_TIMEOUT_S = 0.5
"""For a regular expression in one text: it has been through all of them."""

TURNS_LOOKED_INTO = 80
"""The foremost ones, by their single messages: a turn's text as a whole tells which of them answer."""

MESSAGES_OF_A_TURN = 40
"""Of a longer one, the first so many, those that match, and the last."""

FURTHER = 10
"""Turns that hold only some of the words: the answer may be put in others, but mostly they are noise."""

_IN_CODE = re.compile(r"[^\w\s-]|_")
"""Paths and names have signs that words of a language don't."""

LATEST_WITHIN = 3
"""The latest match stands among the first so many, so that it is always seen."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found.

    Attributes:
        blocks: the turns that were found, best first, at most as many as were asked for.
        total: how many messages match.
        latest: the id of the latest message that matches.
        searched: what was searched, such as `all 340 messages (2026-05-28 … to …)`.
        missing: a sentence about words that no message holds, or nothing.
        rules: what the user said that may be a rule, where that may be the answer.
        is_guess: whether the query need not be after a rule.
        files: those that were written, where one may be the answer.
        is_limited: whether only a part of the session was searched.
    """

    blocks: list[Block]
    total: int
    latest: str
    searched: str
    missing: str
    rules: list[Statement]
    is_guess: bool
    files: list[str]
    is_limited: bool


def find_matches(
    history: History,
    asked: ReadSession,
    redact: Redact,
    last: int | None = None,
    wanted: Callable[[Record], bool] | None = None,
) -> Matches:
    """The matches in a history.

    Args:
        last: the place up to which they count.
        wanted: which messages count.

    Raises:
        BadQuery: the query can't be searched for.
    """
    query = parse_query(asked.query or "")
    scan = history.scan(query, wanted)
    candidates = [found for found in scan.candidates if last is None or found.index <= last]
    ranking = rank(query, candidates, documents=scan.documents, characters=scan.characters)
    turns = ordered(_turns(history, ranking, last), query, ranking.weights)
    groups = _with_the_latest(grouped(turns))[: asked.limit]
    in_order = sorted(found.index for found in ranking.matches)
    partial = sorted(found.index for group in groups for found in group.newest.found if not group.newest.is_match)
    digest = Digest(query, redact, DIGEST_MAX_CHARACTERS, EXCERPT_TIMEOUT_S)
    is_in_other_words = _is_put_in_other_words(query, scan.candidates)
    after_rules = wanted is None and (query.asks_for_rules or query.may_ask_for_rules or is_in_other_words)
    after_files = wanted is None and ("file" in query.concepts or is_in_other_words)
    records = history.records([0, len(history) - 1, *in_order[-1:]])
    return Matches(
        blocks=[_block(group, _standing(group.newest, in_order, partial), digest) for group in groups],
        total=len(ranking.matches),
        latest=records[in_order[-1]].id if in_order else "",
        searched=_searched(history, records, last),
        missing=_missing(query, scan.candidates, "No message" if wanted is None else "None of these"),
        rules=statements(requests_of(history, last), query.terms_in) if after_rules else [],
        is_guess=not query.asks_for_rules,
        files=files_of(history, query, last) if after_files else [],
        is_limited=last is not None,
    )


def _turns(history: History, ranking: Ranking, last: int | None) -> list[Turn]:
    """The turns of the foremost candidates, and of the latest match, up to the place `last`."""
    until = len(history) if last is None else last + 1
    latest = [max(ranking.matches, key=lambda found: found.index)] if ranking.matches else []
    matching = {found.turn for found in ranking.matches}
    found_in: dict[int, list[Candidate]] = {}
    further = 0
    for candidate in [*latest, *ranking.matches, *ranking.others]:
        if candidate.turn not in found_in:
            further += candidate.turn not in matching
            if len(found_in) == TURNS_LOOKED_INTO or further > FURTHER:
                continue
        found_in.setdefault(candidate.turn, []).append(candidate)
    places = {turn: _places(history, turn, found, until) for turn, found in found_in.items()}
    records = history.records(place for listed in places.values() for place in listed)
    return [
        Turn(
            {place: records[place] for place in listed},
            sorted(dict.fromkeys(found_in[turn]), key=lambda found: found.index),
            max(ranking.worths[found.index] for found in found_in[turn]),
            turn in matching,
        )
        for turn, listed in places.items()
    ]


def _places(history: History, turn: int, found: list[Candidate], until: int) -> list[int]:
    """The places of a turn's messages before `until`."""
    first = turn if turn >= 0 else min(candidate.index for candidate in found)
    end = min(history.end_of_turn(first), until)
    return sorted({*range(first, min(end, first + MESSAGES_OF_A_TURN)), *(one.index for one in found), end - 1})


def _with_the_latest(groups: list[Group]) -> list[Group]:
    """The best ones, the latest among the first: a decision may have been reversed since."""
    matching = [group for group in groups if group.newest.is_match]
    latest = max(matching, key=lambda group: group.newest.found[-1].index, default=None)
    if latest is None or latest in groups[:LATEST_WITHIN]:
        return groups
    others = [group for group in groups if group is not latest]
    return [*others[: LATEST_WITHIN - 1], latest, *others[LATEST_WITHIN - 1 :]]


def _block(group: Group, standing: str, digest: Digest) -> Block:
    """A turn, headed by its first message that matches, and how many others say the same."""
    turn = group.newest
    first = turn.first_found
    lines = digest.write(turn, first.id)
    if len(group.turns) > 1:
        others, last = len(group.turns) - 1, group.turns[1].first_found.id
        lines += (Line(0, f"({count(others, 'more turn')} like this, the last `{last}`)"),)
    body = "\n".join(line.text for line in lines)
    data = {"id": first.id, "role": first.role, "time": time_of(first.created), "standing": standing}
    return Block(first.id, f"{first.heading} · {first.id} · {standing}", body, lines=lines, data=data)


def _standing(turn: Turn, in_order: list[int], partial: list[int]) -> str:
    """What came after this turn: a later match may take back what it says."""
    last = turn.found[-1].index
    later, later_partial = (len(places) - bisect_right(places, last) for places in (in_order, partial))
    if not turn.is_match:
        return "partial match"
    if later:
        return count(later, "later match", "later matches")
    if later_partial:
        return count(later_partial, "later partial match", "later partial matches")
    return "the latest match"


def _searched(history: History, records: dict[int, Record], last: int | None) -> str:
    if not len(history):
        return "an empty session"
    first = time_of(records[0].created)
    if last is not None:
        return (
            "the first message, which is the one named"
            if last == 0
            else f"the {last + 1:,} messages up to the one named"
        )
    if not history.complete:
        newest = so_many(len(history), "message")
        return f"only the newest {newest}, back to {first}: the session is too long to be kept whole"
    if len(history) == 1:
        return f"its only message, {first}"
    return f"all {len(history):,} messages, {first} to {time_of(records[len(history) - 1].created)}"


def _missing(query: Query, candidates: list[Candidate], none: str) -> str:
    held = [any(found.frequencies[place] for found in candidates) for place in range(len(query.terms))]
    missing = [f"`{term}`" for term, is_held in zip(query.terms, held, strict=True) if not is_held]
    return f" {none} holds {', '.join(missing)}." if missing and len(missing) < len(held) else ""


def _is_put_in_other_words(query: Query, candidates: list[Candidate]) -> bool:
    """Whether nobody said half of the words that name what a query is about; a name in code is no such word."""
    if query.pattern is not None or any(term.required or _IN_CODE.search(term.text) for term in query.terms):
        return False
    telling = [place for place, term in enumerate(query.terms) if term.is_word and not term.says_little]
    said = sum(any(found.frequencies[place] >= 1 for found in candidates) for place in telling)
    return bool(telling) and 2 * said <= len(telling)
