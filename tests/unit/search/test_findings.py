"""What a query finds in a store, and in which order."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.errors import BadQuery
from handoff_sidecar.search import findings, ranking
from handoff_sidecar.search.findings import Findings, find
from handoff_sidecar.search.query import parse_query
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.texts import Texts
from handoff_sidecar.session.transcript import Entry, Record

SESSION = "ses_a"

Searched = Callable[..., list[str]]


def said(text: str) -> Entry:
    return Entry("said", "", text)


def ran(command: str, output: str, *, exit_code: int = 0) -> Entry:
    outcome = f"completed, exit code {exit_code}" if exit_code else "completed"
    return Entry("tool", f"- bash 'x': {outcome}", f"command: {command}", output)


def store_of(*messages: Entry | tuple[str, Entry]) -> Store:
    """A session of the agent's messages, but for those whose role is given."""
    store = Store(sqlite3.connect(":memory:"))
    store.create()
    pairs = [each if isinstance(each, tuple) else ("assistant", each) for each in messages]
    store.append(SESSION, [Record(f"msg_{n:03}", role, n * 1_000.0, (entry,)) for n, (role, entry) in enumerate(pairs)])
    return store


def findings_of(store: Store, query: str) -> tuple[Findings, list[str]]:
    texts = Texts(store)
    rows = store.rows_of(SESSION)
    assert rows is not None
    found = find(parse_query(query), store, [rows], texts)
    return found, [texts.passage(each.message.first, each.place).text for each in found.found]


def texts_for(store: Store, query: str) -> list[str]:
    return findings_of(store, query)[1]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("decision", "We DECIDED on a decision"),
        ("tests", "one test failed"),
        ("auth.ts", "see src/auth.ts:12"),
        ("token", "refreshToken()"),
        ("refreshToken", "the refresh of a token"),
        ("Größe", "die größe zählt"),
        ('"two replicas"', "then Two\nreplicas"),
        (r"/row \d+/", "row 18112"),
        ("/TIMEOUT/i", "Timeout 30000ms"),
        ("retrying", "it retries three times"),
        ("权限", "检查权限失败"),
    ],
)
def test_a_query_finds(query: str, text: str) -> None:
    assert texts_for(store_of(said(text), said("something else")), query)[0] == text


@pytest.mark.parametrize(
    ("query", "text"),
    [("api", "rapidly"), ("logs", "the login form"), ('"two replicas"', "replicas: two"), ("/A/", "a")],
)
def test_a_query_does_not_find(query: str, text: str) -> None:
    assert texts_for(store_of(said(text)), query) == []


def test_rare_words_count_more_than_common_ones() -> None:
    store = store_of(said("the server"), said("server server"), said("mailjet it is"), *[said("a server again")] * 20)
    assert texts_for(store, "server mailjet")[0] == "mailjet it is"


def test_what_is_said_comes_before_outputs_and_thoughts() -> None:
    words = "the quartz timeout is forty seconds"
    store = store_of(
        ran("x", words),
        *[said("and so on")] * 20,
        Entry("thought", "", f"{words}?"),
        *[said("so")] * 20,
        said(f"{words}."),
    )
    found = [text for text in texts_for(store, "quartz timeout") if words in text]
    assert found == [f"{words}.", f"{words}?", words]


def test_what_failed_comes_first_where_errors_are_asked_for() -> None:
    failed, done = "frobnicate: 3 items are stale", "frobnicate: 3 items are fresh"
    store = store_of(ran("a", failed, exit_code=1), *[said("and so on")] * 20, ran("b", done))
    assert texts_for(store, "frobnicate items error")[0] == failed


def test_a_passage_has_the_words_around_it() -> None:
    store = store_of(
        said("Why does the lorry scale drift?"), said("The spring is worn."), *[said("and so on")] * 20, said("drift")
    )
    assert "The spring is worn." in texts_for(store, "lorry scale drift")


def test_of_equal_passages_the_newest_comes_first() -> None:
    apart = [said("and so on")] * 20
    store = store_of(("user", said("use Postgres 15")), *apart, ("user", said("use Postgres 16")))
    assert texts_for(store, "Postgres")[:2] == ["use Postgres 16", "use Postgres 15"]


def test_a_word_that_nobody_said_is_missing() -> None:
    found, _ = findings_of(store_of(said("the port")), "port zebra")
    assert found.missing == ("zebra",)


def test_a_match_is_weak_where_little_was_said_of_what_is_asked() -> None:
    store = store_of(said("the port"), said("the zebra"), said("a mutex"), said("some quartz"), *[said("so on")] * 20)
    assert findings_of(store, "port zebra mutex quartz")[0].is_weak
    assert not findings_of(store, "port")[0].is_weak


def test_common_words_find_nothing_by_themselves_and_rank_what_others_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "COMMON_ROWS", 10)
    apart = [said("common words")] * 12
    store = store_of(*apart, said("rare word"), *apart, said("rare and common word"), *apart)
    found = texts_for(store, "rare common")
    assert found[0] == "rare and common word"
    assert "rare word" in found


def test_a_regular_expression_finds_the_newest_first_and_says_what_it_did_not_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = store_of(said("row 1"), said("row 2"), said("none"), said("row 3"))
    assert texts_for(store, r"/row \d/") == ["row 3", "row 2", "row 1"]
    monkeypatch.setattr(findings, "SCAN_TIMEOUT_S", -1.0)
    assert findings_of(store, r"/row \d/")[0].unsearched == 4


def test_a_match_that_goes_over_the_end_of_a_passage_is_found_where_it_begins() -> None:
    long = "\n".join(["a line of some words that fills the passage up to its end"] * 7 + ["begin", "end of it"] * 4)
    found = texts_for(store_of(said(long)), r"/begin\nend/")
    assert found
    assert all("begin" in text for text in found)


@given(st.text(max_size=60), st.text(max_size=200))
def test_no_words_make_a_search_fail(query: str, text: str) -> None:
    store = store_of(said(text))
    try:
        parsed = parse_query(query)
    except BadQuery:
        return
    rows = store.rows_of(SESSION)
    assert rows is not None
    find(parsed, store, [rows], Texts(store))


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        (r"def test_\w+_with_\w+\(", "_with_"),
        (r"\[error\] port[0-9]+", "error"),
        (r"err(or)?", ""),
        (r"timeout|refused", ""),
        (r"[a-z]{3}-\d{4}", ""),
        (r"colou?r", "colo"),
        (r"\x41bcd", ""),
    ],
)
def test_the_letters_that_every_match_has_are_looked_for_first(pattern: str, literal: str) -> None:
    assert findings._literal_of(parse_query(f"/{pattern}/")) == literal  # noqa: SLF001


@pytest.mark.parametrize("pattern", ["^port", r"port$", r"(?<=the )port", r"\bport\b", "port.of", r"port \d+\)"])
def test_a_regular_expression_matches_whether_or_not_a_first_look_is_taken(pattern: str) -> None:
    store = store_of(said("port"), said("the port"), said("and the port of (port 4821)"))
    wanted = [text for text in ("and the port of (port 4821)", "the port", "port") if re.search(pattern, text)]
    assert wanted
    assert texts_for(store, f"/{pattern}/") == wanted
