"""The answers to a query in one history: each match with the turn around it.

Owns what is shown of a match. Runs beside the event loop, as it goes through the whole history.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from handoff_sidecar.handoff.plain_text import one_line
from handoff_sidecar.handoff.ranking import Candidate, Ranking, rank
from handoff_sidecar.handoff.record import Block
from handoff_sidecar.handoff.redaction import Redact
from handoff_sidecar.handoff.search import Query, excerpt, parse_query
from handoff_sidecar.handoff.transcript import Record, shown, time_of
from handoff_sidecar.tools.definitions import ReadSession
from handoff_sidecar.tools.history import History

EXCERPT_MAX_CHARACTERS = 700
"""Some ten lines: so that 4,000 tokens hold the ten best matches with what was asked and answered."""

ASKED_MAX_CHARACTERS = 200
ANSWERED_MAX_CHARACTERS = 300

EXCERPT_TIMEOUT_S = 0.5
"""For a regular expression in one text: it has been through all of them."""

SHOWN_OF_A_TURN = 3

FURTHER = 5
"""Messages that hold only some of the words: the answer may be put in others, but mostly they are noise."""

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
        is_limited: whether only a part of the session was searched.
    """

    blocks: list[Block]
    total: int
    latest: str
    searched: str
    missing: str
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
    in_order = sorted(found.index for found in ranking.matches)
    partial = sorted(found.index for found in ranking.others[:FURTHER])
    turns = _turns(_with_the_latest(ranking), asked.limit)
    around = {place for turn in turns for place in _around(turn)}
    records = history.records([*around, 0, len(history) - 1, *in_order[-1:]])
    return Matches(
        blocks=[_block(turn, records, _standing(turn, in_order, partial), query, redact) for turn in turns],
        total=len(ranking.matches),
        latest=records[in_order[-1]].id if in_order else "",
        searched=_searched(history, records, last),
        missing=_missing(query, scan.candidates),
        is_limited=last is not None,
    )


def _with_the_latest(ranking: Ranking) -> list[Candidate]:
    """The best ones, the latest among the first: a decision may have been reversed since."""
    ranked = [*ranking.matches, *ranking.others[:FURTHER]]
    latest = max(ranking.matches, key=lambda found: found.index, default=None)
    if latest is None or latest in ranked[:LATEST_WITHIN]:
        return ranked
    others = [found for found in ranked if found is not latest]
    return [*others[: LATEST_WITHIN - 1], latest, *others[LATEST_WITHIN - 1 :]]


def _turns(found: list[Candidate], limit: int) -> list[list[Candidate]]:
    """The candidates by turn, the turns in the order of their best ones, and of each its best in order of time."""
    turns: dict[int, list[Candidate]] = {}
    for candidate in found:
        turn = turns.get(candidate.turn)
        if turn is None:
            if len(turns) == limit:
                continue
            turn = turns[candidate.turn] = []
        if len(turn) < SHOWN_OF_A_TURN:
            turn.append(candidate)
    return [sorted(turn, key=lambda candidate: candidate.index) for turn in turns.values()]


def _around(turn: list[Candidate]) -> list[int]:
    """The places of a turn that are shown: what was asked, what was found, what was answered."""
    return [turn[0].turn, *(found.index for found in turn), turn[-1].index + 1]


def _block(turn: list[Candidate], records: dict[int, Record], standing: str, query: Query, redact: Redact) -> Block:
    """A turn with what matches in it, each message with its time and id."""
    asked, following = records.get(turn[0].turn), records.get(turn[-1].index + 1)
    shown_records = [records[found.index] for found in turn]
    room = EXCERPT_MAX_CHARACTERS // len(turn)
    lines: list[str] = []
    if asked is not None and asked is not shown_records[0] and (said := _said(asked, ASKED_MAX_CHARACTERS, redact)):
        lines.append(f"(asked: {said})")
    for number, record in enumerate(shown_records):
        if number:
            lines.append(f"[{record.heading} · {record.id}]")
        lines.append(excerpt(record, query, most_characters=room, redact=redact, timeout_s=EXCERPT_TIMEOUT_S))
    if shown_records[-1] is asked and following is not None and following.role != "user":
        lines.append(f"(answered: {_said(following, ANSWERED_MAX_CHARACTERS, redact)})")
    first = shown_records[0]
    data = {"id": first.id, "role": first.role, "time": time_of(first.created), "standing": standing}
    return Block(first.id, f"{first.heading} · {first.id} · {standing}", "\n".join(lines), data=data)


def _standing(turn: list[Candidate], in_order: list[int], partial: list[int]) -> str:
    """What came after this turn: a later match may take back what it says."""
    last = turn[-1].index
    later, later_partial = (len(places) - bisect_right(places, last) for places in (in_order, partial))
    if not any(found.index in in_order for found in turn):
        return "partial match"
    if later:
        return f"{later} later match{'es' if later > 1 else ''}"
    if later_partial:
        return f"{later_partial} later partial match{'es' if later_partial > 1 else ''}"
    return "the latest match"


def _said(record: Record, most_characters: int, redact: Redact) -> str:
    said = " ".join(entry.taken for entry in record.entries if entry.kind == "said")
    return one_line(shown(said, redact), most_characters)


def _searched(history: History, records: dict[int, Record], last: int | None) -> str:
    if not len(history):
        return "an empty session"
    first = time_of(records[0].created)
    if last is not None:
        return f"the {last + 1:,} messages up to the one named"
    if not history.complete:
        return f"only the newest {len(history):,} messages, back to {first}: the session is too long to be kept whole"
    return f"all {len(history):,} messages, {first} to {time_of(records[len(history) - 1].created)}"


def _missing(query: Query, candidates: list[Candidate]) -> str:
    held = [any(found.frequencies[place] for found in candidates) for place in range(len(query.terms))]
    missing = [f"`{term.text}`" for term, is_held in zip(query.terms, held, strict=True) if not is_held]
    return f" No message holds {', '.join(missing)}." if missing and len(missing) < len(held) else ""
