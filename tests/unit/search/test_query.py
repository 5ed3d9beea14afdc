from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.errors import BadQuery
from handoff_sidecar.reading.excerpt import excerpt
from handoff_sidecar.search.packing import pack_all, said_and_given
from handoff_sidecar.search.query import Query, parse_query
from handoff_sidecar.search.ranking import Candidate, rank
from handoff_sidecar.session.transcript import Entry, Record

PLENTY_S = 5.0


def finds(query: str, text: str) -> bool:
    return parse_query(query).frequencies(text, "", PLENTY_S) is not None


def ranked(query: Query, *texts: str) -> list[int]:
    candidates = []
    for index, text in enumerate(texts):
        frequencies = query.frequencies(text, "", PLENTY_S)
        if frequencies:
            candidates.append(Candidate(index, index, frequencies, len(text)))
    found = rank(query, candidates, documents=len(texts), characters=sum(map(len, texts)))
    return [candidate.index for candidate in found.matches]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("decision", "We DECIDED on cookies"),
        ("caching", "the cache"),
        ("tests", "one test failed"),
        ("auth.ts", "see src/auth.ts:12"),
        ("token", "refreshToken()"),
        ("Größe", "die größe zählt"),
        ('"two replicas"', "then Two  replicas".replace("  ", " ")),
        (r"/row \d+/", "row 18112"),
        ("/TIMEOUT/i", "Timeout 30000ms"),
        ("what is the queue?", "the queue"),
        ("resetting", "the password reset"),
        ("retrying", "three retries"),
        ("runs", "how to run it"),
        ("logging", "the audit log"),
        ("planner", "planning of shifts"),
        ("what about the theme", "a dark theme"),
    ],
)
def test_a_query_finds(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("port", "x"),
        ("api", "rapidly"),
        ("logs", "the login form"),
        ("runs", "a rune"),
        ('"two replicas"', "replicas: two"),
        ("/TIMEOUT/", "timeout"),
        ("auth.ts", ""),
        ("what about the theme", "show them"),
    ],
)
def test_a_query_does_not_find(query: str, text: str) -> None:
    assert not finds(query, text)


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
        with pytest.raises(BadQuery, match=r"calls itself|repeats too much"):
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


def test_a_regular_expression_that_backtracks_forever_is_stopped() -> None:
    with pytest.raises(BadQuery, match=r"took too long .*make it simpler"):
        parse_query("/(x+x+)+y/").frequencies("x" * 5_000, "", 0.1)


def test_rare_words_count_more_than_common_ones() -> None:
    query = parse_query("user mailjet")

    assert ranked(query, "the user", "user user user", "mailjet it is", "a user again")[0] == 2


def test_a_phrase_must_be_there() -> None:
    assert ranked(parse_query('"five replicas" API'), "the API has five", "five replicas", "the API") == [1]


def test_a_word_that_asks_for_a_kind_of_thing_does_not_outweigh_what_it_is_about() -> None:
    talk = ["the audit log is slow", "an audit log entry", "audit log again", "and so on", "we decided on tabs"]

    assert ranked(parse_query("decided audit log"), *talk)[-1] != 4
    assert 4 not in ranked(parse_query("decided audit log"), *talk)[:3]
    assert ranked(parse_query("what was decided"), *talk) == [4]


def test_an_output_says_less_than_a_statement() -> None:
    query = parse_query("timeout")
    said, given = query.frequencies("a timeout", "", PLENTY_S), query.frequencies("", "a timeout", PLENTY_S)

    assert said is not None
    assert given is not None
    assert said > given


def test_a_rule_is_found_by_how_users_put_one_and_not_in_what_agents_say() -> None:
    query = parse_query("rules")

    assert query.frequencies_in("never push to main", "", PLENTY_S, is_asked=True) == (1.0,)
    assert query.frequencies_in("never push to main", "", PLENTY_S) is None
    assert query.frequencies_in("push to main", "", PLENTY_S, is_asked=True) is None


def test_a_word_that_an_output_repeats_counts_once() -> None:
    query = parse_query("error")

    assert query.frequencies("", "error " * 100, PLENTY_S) == query.frequencies("", "one error", PLENTY_S)


@given(st.text(max_size=60), st.text(max_size=200))
def test_no_words_make_a_search_fail(query: str, text: str) -> None:
    if query.strip().startswith("/"):
        query = "x" + query
    try:
        parsed = parse_query(query)
    except BadQuery:
        return
    record = Record("msg_1", "user", 0, (Entry("said", "", text),))
    shown = excerpt(record, parsed, most_characters=50, redact=str, timeout_s=PLENTY_S)
    assert bool(shown) <= finds(query, text)


def test_an_excerpt_shows_the_matching_middle_of_a_long_output_and_takes_secrets_out_first() -> None:
    output = "line\n" * 1_000 + "AKIA" + "IOSFODNN7EXAMPLE ECONNREFUSED here\n" + "line\n" * 1_000
    record = Record("msg_1", "assistant", 0, (Entry("said", "", "hello"), Entry("tool", "- bash 'x'", "", output)))

    shown = excerpt(
        record,
        parse_query("econnrefused"),
        most_characters=200,
        redact=lambda text: text.replace("AKIAIOSFODNN7EXAMPLE", "[key]"),
        timeout_s=PLENTY_S,
    )

    assert shown.startswith("- bash 'x'\n…")
    assert "[key] ECONNREFUSED here" in shown
    assert len(shown) < 250
    assert "hello" not in shown


def test_a_word_of_the_question_that_hardly_anybody_said_does_not_outweigh_the_others() -> None:
    texts = ["draw a line here", *["the refund approval is paid out"] * 3, *["something else"] * 200]

    assert ranked(parse_query("command line refund approval"), *texts)[:3] == [3, 2, 1]


def test_no_call_is_found_by_being_completed() -> None:
    call = Entry("tool", "- read 'a.ts': completed", "filePath: a.ts", "")
    failed = Entry("tool", "- bash 'completed': completed, exit code 1", "command: x", "")

    assert said_and_given(pack_all([Record("msg_1", "assistant", 1.0, (call,))]))[0].startswith("- read 'a.ts'\n")
    assert "completed" in said_and_given(pack_all([Record("msg_1", "assistant", 1.0, (failed,))]))[0]
