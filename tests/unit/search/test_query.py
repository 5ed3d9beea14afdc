"""What a query means, and what of it can't be searched for."""

from __future__ import annotations

import pytest

from handoff_sidecar.errors import BadQuery
from handoff_sidecar.search.query import parse_query

PLENTY_S = 5.0


def test_words_that_stand_in_any_text_are_left_out_unless_there_are_no_others() -> None:
    assert parse_query("What is the queue?").terms == ("queue",)
    assert parse_query("what is it").terms == ("what", "is", "it")


@pytest.mark.parametrize(
    ("query", "speaker"),
    [
        ("what did the user want", "person"),
        ("test failed why", "failed"),
        ("command for the tests", "command"),
    ],
)
def test_a_query_tells_whose_words_it_is_after(query: str, speaker: str) -> None:
    assert parse_query(query).asked_for == {speaker}


def test_a_phrase_must_be_there_and_its_words_are_searched_for() -> None:
    query = parse_query('"Five replicas" API')

    assert query.terms == ("five", "replicas", "api")
    assert query.has_phrases("the five\nreplicas")
    assert not query.has_phrases("replicas: five")


@pytest.mark.parametrize(
    ("text", "near"), [("we rename it", 1), ("renaming of branches", 2), ("renamed_branch", 2), ("a brake", 0)]
)
def test_how_near_a_text_is_counts_words_in_all_their_forms(text: str, near: int) -> None:
    assert parse_query("rename branches").nearness(text) == near


@pytest.mark.parametrize("query", ["", "  ", "?!", '""', "/(/", "/[/i", "x" * 501])
def test_a_query_that_can_not_be_searched_for_is_explained(query: str) -> None:
    with pytest.raises(BadQuery):
        parse_query(query)


@pytest.mark.parametrize(
    "source",
    [
        r"(?:(?:(?:a{9999}){9999}){9999}){9999}",
        r"(?:(?:a{99}){99}){99}",
        r"(?:a?){99999}",
        r"(?:a{ 9 9 9 # comment 9\n } b){ 999 }",
        r"[)(]{30000}",
        r"(?R)",
        r"a\\(?R)?",
        r"(a(?1)?b)",
        r"(?(DEFINE)(?P<q>a))(?&q)",
        r"(?P<q>a(?P>q)?)",
        r"a{99999999999999999999}",
    ],
)
def test_an_expression_that_would_take_all_memory_is_refused_before_it_is_compiled(source: str) -> None:
    for text in (f"/{source}/", f"/{source}/x"):
        with pytest.raises(BadQuery, match=r"refers to itself|repeats too much"):
            parse_query(text)


@pytest.mark.parametrize(
    "source",
    [
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}",
        r"sha256:[0-9a-f]{64}",
        r"function \w+\(\) \{",
        r"\(\?R\)|\{9{1,3}\}",
        r"(?i)error.{0,200}timeout",
    ],
)
def test_an_expression_as_people_write_them_is_searched_for(source: str) -> None:
    assert parse_query(f"/{source}/").pattern is not None


def test_a_regular_expression_finds_where_it_matches() -> None:
    assert list(parse_query(r"/row \d+/").places("a row 18112, a row 2", PLENTY_S)) == [2, 15]
    assert not list(parse_query("/TIMEOUT/").places("timeout", PLENTY_S))
    assert list(parse_query("/TIMEOUT/i").places("timeout", PLENTY_S)) == [0]


def test_a_regular_expression_that_backtracks_forever_is_stopped() -> None:
    with pytest.raises(BadQuery, match=r"took too long, .*make it simpler"):
        list(parse_query("/(x+x+)+y/").places("x" * 5_000, 0.1))
