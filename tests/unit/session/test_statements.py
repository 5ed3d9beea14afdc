from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.search.query import parse_query
from handoff_sidecar.session.rule_signs import CERTAIN, asks_for_rules, may_ask_for_rules, strength
from handoff_sidecar.session.statements import UserRequest, statements

UNDERSTOOD_CHARACTERS = 30
REPORT_CHARACTERS = 2_000


def acknowledged(said: str, created: float = 0) -> UserRequest:
    return UserRequest(said, created, called_tools=False, answered_characters=UNDERSTOOD_CHARACTERS)


def worked_on(said: str, created: float = 0) -> UserRequest:
    return UserRequest(said, created, called_tools=True, answered_characters=REPORT_CHARACTERS)


def texts(*requests: UserRequest, query: str = "rules") -> list[str]:
    return [statement.text for statement in statements(requests, parse_query(query).nearness)]


@pytest.mark.parametrize(
    "said",
    [
        "All labels go through i18n, German first.",
        "Ab jetzt bitte keine neuen Pakete.",
        "今後は新しい依存関係を追加しないでください。",
        "Branch names begin with the ticket.",
        '"Branch names begin with the ticket."',
    ],
)
def test_what_the_agent_only_took_note_of_may_be_a_rule_in_any_words(said: str) -> None:
    assert texts(acknowledged(said)) == [said]


@pytest.mark.parametrize(
    "request_",
    [
        worked_on("Now build the export, please."),
        worked_on("Ab jetzt bitte keine neuen Pakete."),
        acknowledged("What does the export do with empty rows?"),
        acknowledged("handoff finish the export"),
        acknowledged("ok, thanks"),
        UserRequest("Branch names begin with the ticket.", 0),
        UserRequest("Explain to me how the export works.", 0, answered_characters=REPORT_CHARACTERS),
        acknowledged("```\nnever = always\n```"),
        acknowledged(""),
    ],
)
def test_what_was_worked_on_asked_or_left_unanswered_is_none_without_words_for_it(request_: UserRequest) -> None:
    assert texts(request_) == []


def test_of_a_request_the_sentence_that_sets_a_rule_comes_first_and_all_that_was_said_last() -> None:
    said = "Now build the export. It writes one row for each order. Never write an email address into it. Start today."

    assert texts(worked_on(said)) == ["Never write an email address into it.", said]


def test_a_rule_without_a_word_for_it_may_stand_beside_a_question() -> None:
    assert texts(worked_on("Branches carry the ticket in front. Who uses the export today?")) == [
        "Branches carry the ticket in front."
    ]


def test_what_a_sentence_announces_comes_with_it() -> None:
    said = (
        "Build the export. By the way, a rule for all of this: look below. Branch names begin with the ticket. Go on."
    )

    assert "Branch names begin with the ticket." in texts(worked_on(said))
    assert "Build the export." not in texts(worked_on(said))


def test_a_pasted_log_is_no_rule() -> None:
    log = "\n".join(f"You must never see this line {n}" for n in range(100))

    assert texts(worked_on(log)) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "never log a token",
        "no string concatenation in sql, use placeholders",
        "files under gen/ are generated; don't touch them by hand",
        "nothing may break the mobile app",
        "keep pull requests small, split them otherwise",
        "each screen has to sit behind a flag",
        "from here on we write in british english",
        "could you run the linter every time from now on?",
    ],
)
def test_words_alone_make_a_rule_plausible(sentence: str) -> None:
    assert strength(sentence) >= CERTAIN


@pytest.mark.parametrize(
    "sentence",
    [
        "next is the export, it should have a header",
        "i have to go now",
        "never mind, it works",
        "don't forget the tests",
        "do all of the tests pass?",
        "the export has to be there by friday",
        "go on with the export",
    ],
)
def test_words_of_the_moment_do_not(sentence: str) -> None:
    assert strength(sentence) < CERTAIN


def test_those_nearest_to_the_query_come_first_then_the_surest_then_the_newest() -> None:
    listed = texts(
        acknowledged("Branch names begin with the ticket.", 1),
        acknowledged("Labels are in German.", 2),
        acknowledged("Never log a token.", 3),
        acknowledged("Prices are integers.", 4),
        query="rule about branches",
    )

    assert listed == [
        "Branch names begin with the ticket.",
        "Never log a token.",
        "Prices are integers.",
        "Labels are in German.",
    ]


def test_what_is_said_again_is_listed_once_with_its_newest_time() -> None:
    said = [acknowledged("Never log a token.", 1), acknowledged("never log a token.", 9)]

    assert [(statement.text, statement.created) for statement in statements(said, parse_query("rules").nearness)] == [
        ("never log a token.", 9)
    ]


@pytest.mark.parametrize(
    "query",
    [
        "rule about labels",
        "must i mind translations",
        "user say translations",
        "am i allowed to edit vendor",
        "conventions for branches",
        "may i add a package",
        "what should labels look like",
    ],
)
def test_questions_after_rules_are_told(query: str) -> None:
    assert asks_for_rules(query)


@pytest.mark.parametrize(
    "query", ["user login bug", "remember me cookie", "cors policy header", "required fields", "may release"]
)
def test_of_words_that_also_stand_for_other_things_it_is_only_known_that_they_may_ask(query: str) -> None:
    assert not asks_for_rules(query)
    assert may_ask_for_rules(query)


@pytest.mark.parametrize("query", ["which command runs the tests", "users table migration", "error of the login form"])
def test_other_questions_are_not(query: str) -> None:
    assert not asks_for_rules(query)
    assert not may_ask_for_rules(query)


@given(st.lists(st.text(), max_size=4), st.booleans(), st.integers(0, 500))
def test_any_text_can_be_a_request(said: list[str], called_tools: bool, answered: int) -> None:  # noqa: FBT001
    requests = [UserRequest(text, float(place), called_tools, answered) for place, text in enumerate(said)]

    for statement in statements(requests, parse_query("rules").nearness):
        assert statement.text
        assert "\n" not in statement.text
