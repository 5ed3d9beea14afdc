"""The answer to a query in one session: the passages that match, each in its place, and what else may be the answer.

Owns what is asked of the index for it, how the room is shared, and the sentences about what was searched, what was not
found, and where else to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from handoff_sidecar.reading.answer import Answer, Block
from handoff_sidecar.reading.file_answer import untouched
from handoff_sidecar.reading.files_block import file_list
from handoff_sidecar.reading.passage_blocks import blocks_of, chosen, filled
from handoff_sidecar.reading.rules_block import rulebook
from handoff_sidecar.reading.shown import Shown
from handoff_sidecar.reading.standing_rows import StandingRows, about_missing, about_undone
from handoff_sidecar.reading.touched import touched
from handoff_sidecar.reading.wanted import Wanted
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.search.findings import Findings, find
from handoff_sidecar.search.query import Query, parse_query
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.texts import Texts
from handoff_sidecar.session.file_touches import Touching
from handoff_sidecar.session.files import file_named
from handoff_sidecar.session.statements import statements
from handoff_sidecar.session.transcript import time_of
from handoff_sidecar.text.counts import count, so_many

SENTENCES_TOKENS = 160
"""For the sentences about the answer."""


@dataclass(frozen=True, slots=True)
class _Searched:
    """What was searched, and what came of it.

    Attributes:
        span: what was searched, such as `all 340 messages, 2026-05-28 … to …`.
        file: the file whose messages these are, or nothing.
        is_touched: whether there are any.
    """

    wanted: Wanted
    stands: StandingRows
    messages: int
    span: str
    findings: Findings
    file: str = ""
    is_touched: bool = True


def answer_to_query(store: Store, stands: StandingRows, wanted: Wanted) -> Answer:
    """What the rows of a session have of what is asked for.

    Raises:
        BadQuery: the query can't be searched for.
    """
    asked, manner = wanted.asked, wanted.manner
    query, texts = parse_query(asked.query or ""), Texts(store)
    file = file_named(asked.file, manner.root) if asked.file else ""
    scope = list(touched(store, stands, Touching(file))) if file else [stands.rows]
    findings = find(query, store, scope, texts)
    searched = _Searched(wanted, stands, store.count(stands.rows), _span(store, stands), findings, file, bool(scope))
    rules, files = (None, None) if file else _listed(query, findings, store, stands.rows, manner)
    ahead = [block for block in (rules, files) if block]
    room = manner.room.tokens - SENTENCES_TOKENS - sum(manner.room.tokenizer.count(str(block)) + 2 for block in ahead)
    kept = chosen(findings.found, store, texts, manner, room)
    if "limit" in asked.model_fields_set:
        kept = kept[: asked.limit]
    listed = " What the user said that may be a rule comes first." if rules else ""
    listed += f" The files that were written come {'next' if rules else 'first'}." if files else ""

    def compose(kept: list[Shown]) -> Answer:
        said = f"{_said(searched, kept)}{listed}"
        return replace(wanted.answer, said=said, blocks=(*ahead, *blocks_of(kept, store, manner, query)))

    return filled(wanted.answer, kept, manner, compose)


def _listed(
    query: Query, findings: Findings, store: Store, rows: range, manner: Manner
) -> tuple[Block | None, Block | None]:
    """What may be the answer whatever its words: the user's rules, the files that were written."""
    is_put_in_other_words = _is_put_in_other_words(query, findings)
    rules = files = None
    if query.asks_for_rules or query.may_ask_for_rules or is_put_in_other_words:
        found = statements(store.requests(rows), query.nearness)
        rules = rulebook(found, manner.room, manner.redact, is_guess=not query.asks_for_rules)
    if query.asks_for_files or is_put_in_other_words:
        written = sorted(store.files_written(rows), key=query.nearness, reverse=True)
        files = file_list(written, manner.room, manner.redact, manner.root)
    return rules, files


def _is_put_in_other_words(query: Query, findings: Findings) -> bool:
    """Whether nobody said half of the words; an exact phrase or a regular expression means what it says."""
    return bool(query.terms) and not query.phrases and 2 * len(findings.missing) >= len(query.terms)


def _said(searched: _Searched, kept: Sequence[Shown]) -> str:
    asked, findings = searched.wanted.asked, searched.findings
    within = f" in the messages that touch `{searched.file}`" if searched.file else ""
    if not searched.is_touched:
        said = f"{untouched(searched.messages, searched.file)}, so nothing was searched for {asked.query!r}."
    elif not kept:
        said = f"Nothing found for {asked.query!r}{within}."
    else:
        shown = count(len(kept), "passage is", "passages are")
        more = len(findings.found) - len(kept)
        rest = f" {more:,} weaker or repeated ones are left out." if more > 0 else ""
        said = (
            f"{shown} shown for {asked.query!r}{within}: first the best matches, then the others, both newest first. "
            f"`(older)` marks a subject that comes up again later.{rest}"
        )
    return " ".join([said, *_about_words(searched), *_about_scope(searched), *_further(searched, kept)])


def _about_words(searched: _Searched) -> list[str]:
    missing = ", ".join(f"`{term}`" for term in searched.findings.missing)
    if not missing:
        return []
    all_of_them = "No message" if searched.stands.is_whole else "None of the newest messages"
    return [f"{'None of these' if searched.file else all_of_them} holds {missing}."]


def _about_scope(searched: _Searched) -> list[str]:
    unsearched = searched.findings.unsearched
    left = [f"There was no time to search its oldest {so_many(unsearched, 'message')}."] if unsearched else []
    undone = about_undone(searched.wanted.session, searched.stands.undone)
    return [f"Searched {searched.span}.", *about_missing(searched.stands), *left, *undone]


def _further(searched: _Searched, kept: Sequence[Shown]) -> list[str]:
    """Calls that may answer it where this one doesn't, and how to read on."""
    session, asked, manner = searched.wanted.session, searched.wanted.asked, searched.wanted.manner
    further = []
    if searched.file and not kept:
        up_to = {"before": asked.before} if asked.before else {}
        further.append(f"To search without the file: {manner.call(session, query=asked.query, **up_to)}.")
        if searched.is_touched:
            further.append(f"All that was done to the file: {manner.call(session, file=searched.file, **up_to)}.")
    elif not kept or searched.findings.is_weak:
        all_of_them = manner.wording.call({"session_id": "all", "query": asked.query})
        before = manner.wording.call({"session_id": "previous:2", "query": asked.query})
        ancestor = f", the session before it: {before}" if (asked.session_id or "previous") == "previous" else ""
        why = (
            "Even the best passage matches less than a third of the query."
            if kept
            else "The search covers what was said, and the inputs and outputs of tools."
        )
        further.append(
            f"{why} Try fewer or other words, a /regular expression/i{ancestor}, or all sessions: {all_of_them}."
        )
    if kept:
        further.append(
            f"To see what led to a passage, put its message's id in place of ID: "
            f"{manner.call(session, before='ID', limit=5)}."
        )
    return further


def _span(store: Store, stands: StandingRows) -> str:
    """From when to when what was searched is."""
    rows = stands.rows
    ends = store.ends(rows)
    if ends is None:
        return "an empty session"
    first, last, messages = time_of(ends[0].created), time_of(ends[1].created), store.count(rows)
    if not stands.is_whole:
        return f"its newest {so_many(messages, 'message')}, {first} to {last}"
    return f"its only message, {first}" if messages == 1 else f"all {messages:,} messages, {first} to {last}"
