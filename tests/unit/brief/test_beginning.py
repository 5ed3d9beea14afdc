from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import assistant_message, user_message
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.brief.beginning import Beginning, beginning_in, beginning_of
from handoff_sidecar.brief.brief import Brief, brief_of
from handoff_sidecar.brief.computed import OPENING, computed_notes
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import write_prompt
from handoff_sidecar.opencode.messages import OURS, Message
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.session.facts import facts_of

NOTES = Notes(
    summary="Login works.\nThe refresh does not.",
    goal="implement the logout",
    next_steps=["Add a mutex", "Test 2. and 5. requests"],
    key_decisions=["a mutex (no new format)", "cookies"],
    tried_and_failed=["a queue (too slow)"],
    blocked="the staging server",
)
HANDED_OFF = Session(id=SessionID("ses_1"), title="Auth", directory="/p")


def brief(notes: Notes) -> Brief:
    return brief_of(notes, facts_of(HANDED_OFF, [], [], root="/p"), root="/p")


def prompt(notes: Notes) -> dict[str, Any]:
    """The first message of a session that was made with these notes."""
    message = user_message(1, write_prompt(brief(notes)))
    handoff = {"by": OURS, "beginning": beginning_in(brief(notes)).model_dump(mode="json")}
    message["parts"].append({"type": "text", "synthetic": True, "metadata": {"handoff": handoff}})
    return message


def messages(*listed: dict[str, object]) -> list[Message]:
    return [Message.model_validate(message) for message in listed]


def test_what_an_agent_said_is_kept_with_the_prompt() -> None:
    assert beginning_of(messages(prompt(NOTES))) == Beginning(
        summary="Login works.\nThe refresh does not.",
        goal="implement the logout",
        decisions=("a mutex (no new format)", "cookies"),
        tried_and_failed=("a queue (too slow)",),
        next_steps=("Add a mutex", "Test 2. and 5. requests"),
    )


@pytest.mark.parametrize("kept", [None, "x", 5, {"summary": 5}, {"decisions": "x"}])
def test_a_session_that_no_handoff_made_began_with_nothing(kept: object) -> None:
    message = user_message(1, write_prompt(brief(NOTES)))
    message["parts"][0]["metadata"] = {"handoff": {"beginning": kept}}

    assert beginning_of(messages(message)) == Beginning()
    assert beginning_of([]) == Beginning()


lines = st.lists(st.text(min_size=1, alphabet=st.characters(categories=["L", "Nd", "P", "Zs"])), max_size=4)


@given(lines, lines, lines)
def test_what_was_kept_is_written_again_to_the_letter(steps: list[str], decided: list[str], failed: list[str]) -> None:
    first = Notes(summary="x", next_steps=steps, key_decisions=decided, tried_and_failed=failed)
    found = beginning_of(messages(prompt(first)))

    again = Notes(
        summary=found.summary,
        next_steps=list(found.next_steps),
        key_decisions=list(found.decisions),
        tried_and_failed=list(found.tried_and_failed),
    )
    assert write_prompt(brief(again)) == write_prompt(brief(first))


def test_handed_off_again_at_once_a_session_hands_on_what_it_was_handed() -> None:
    notes = computed_notes(messages(prompt(NOTES)), "fix the tests")

    assert notes.summary == f"{OPENING}\nLogin works.\nThe refresh does not."
    assert notes.goal == "fix the tests"
    assert (notes.key_decisions, notes.tried_and_failed, notes.next_steps) == (
        NOTES.key_decisions,
        NOTES.tried_and_failed,
        NOTES.next_steps,
    )
    assert notes.blocked is None, "that may have changed"


def test_handed_off_again_and_again_its_summary_does_not_grow() -> None:
    said = assistant_message(2, "I start with the mutex.")
    notes = NOTES
    for _ in range(3):
        notes = computed_notes(messages(prompt(notes), said))

    assert notes.summary == (
        f'{OPENING}\nLogin works.\nThe refresh does not.\nThe agent\'s last words: "I start with the mutex."'
    )


def test_what_was_asked_here_goes_before_what_the_session_began_with() -> None:
    asked = user_message(3, "First the e-mail, please.")
    notes = computed_notes(messages(prompt(NOTES), asked))

    assert notes.summary == (
        f"{OPENING}\nWhat this session began with: Login works. The refresh does not.\n"
        'The user\'s last requests, word for word, oldest first:\n- "First the e-mail, please."'
    )
    assert notes.next_steps == []
    assert notes.key_decisions == NOTES.key_decisions
