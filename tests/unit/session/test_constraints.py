from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.session.constraints import (
    MAX_CARRIED,
    Constraint,
    carried,
    check,
    is_lifted,
    merged,
    record,
    taking_back,
)

NO_DEPENDENCIES = Constraint("No new dependencies.", verbatim=True)


@pytest.mark.parametrize(
    ("named", "said", "expected"),
    [
        ("no new dependencies", "Fix it. No new dependencies!", Constraint("No new dependencies!", verbatim=True)),
        ('"No new  dependencies."', "no new\u00a0dependencies", Constraint("no new dependencies", verbatim=True)),
        ("use tabs", "Please don’t use tabs in here.", Constraint("Please don’t use tabs in here.", verbatim=True)),
        ("don't use tabs", "Don’t use tabs", Constraint("Don’t use tabs", verbatim=True)),
        ("不要新的依赖", "修好它。不要新的依赖。", Constraint("不要新的依赖。", verbatim=True)),
        ("no new dependencies", "Fix the login.", Constraint("no new dependencies", verbatim=False)),
        ("use tab stops", "use tab stopsigns", Constraint("use tab stops", verbatim=False)),
        ("no", "no, not that", Constraint("no", verbatim=False)),
    ],
)
def test_only_what_the_user_wrote_is_quoted_and_then_whole(named: str, said: str, expected: Constraint) -> None:
    assert check([named], [said]) == (expected,)


def test_the_newest_wording_counts_and_nothing_is_said_twice() -> None:
    said = ["No new dependencies please", "Again: no new dependencies"]

    assert check(["no new dependencies", "No new dependencies"], said) == (
        Constraint("Again: no new dependencies", verbatim=True),
    )
    assert merged([Constraint("no new dependencies", verbatim=False), NO_DEPENDENCIES]) == (NO_DEPENDENCIES,)
    assert merged([NO_DEPENDENCIES, Constraint("new dependencies", verbatim=False)]) == (NO_DEPENDENCIES,)


@pytest.mark.parametrize(
    "said",
    [
        "Forget the rule about new dependencies.",
        "Forget about “no new dependencies”.",
        "ok. Drop the no-dependency constraint: no new dependencies. Then go on",
        "no new dependencies no longer applies",
        "The rule about new dependencies is off.",
        "~~No new dependencies~~",
    ],
)
def test_a_rule_is_taken_back_in_so_many_words(said: str) -> None:
    assert is_lifted(NO_DEPENDENCIES, taking_back(["Hello.", said]))


@pytest.mark.parametrize(
    "said",
    [
        "Don't forget the rule about new dependencies.",
        "Never drop the rule: no new dependencies.",
        "Should we drop the rule about new dependencies?",
        "If the build fails, ignore the rule about new dependencies.",
        "You may now add new dependencies, but only for tests.",
        "You can now see why new dependencies are bad.",
        "Remove the new dependencies.",
        "Remove the new dependencies, they break the rule.",
        "New dependencies are not needed.",
        "The build is off because of new dependencies.",
        "New dependencies are bad.",
        "Forget the rule about tabs.",
        "Forget it.",
        "Forget the rule. New dependencies are bad.",
        "",
    ],
)
def test_in_doubt_a_rule_stays(said: str) -> None:
    assert not is_lifted(NO_DEPENDENCIES, taking_back([said]))


@pytest.mark.parametrize(
    ("said", "lifted"),
    [
        ("You may now touch the billing code.", True),
        ("You can now touch billing code, though not on Fridays.", False),
        ("The billing code is off, do not touch it.", False),
    ],
)
def test_what_was_prohibited_can_be_allowed(said: str, *, lifted: bool) -> None:
    assert is_lifted(Constraint("Never touch the billing code", verbatim=True), taking_back([said])) is lifted


@pytest.mark.parametrize(
    "rule", ["Never drop the users table", "Do not ignore lint rules", "no longer than 80 columns"]
)
def test_a_rule_that_is_repeated_is_not_taken_back_by_its_own_words(rule: str) -> None:
    said = [rule, f"Remember: {rule}!", f"{rule}, as I said."]
    assert not is_lifted(Constraint(rule, verbatim=True), taking_back(said))


def test_what_is_recorded_is_carried_as_it_was() -> None:
    constraints = (NO_DEPENDENCIES, Constraint("small commits", verbatim=False))

    assert carried(list(record(constraints))) == constraints
    assert len(record([NO_DEPENDENCIES] * 1_000)) == MAX_CARRIED


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["text", "verbatim"]), inner),
    )
)
def test_metadata_of_any_shape_is_read(recorded: Any) -> None:
    assert all(constraint.text for constraint in carried(recorded))


@given(st.text(min_size=1), st.lists(st.text(), max_size=3))
def test_any_text_can_be_a_rule_or_a_message(rule: str, said: list[str]) -> None:
    for constraint in check([rule], said):
        is_lifted(constraint, said)
