from __future__ import annotations

from fake_opencode import assistant_message, user_message
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.brief.brief import brief_of
from handoff_sidecar.brief.computed import OPENING, computed_notes
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import write_prompt
from handoff_sidecar.brief.read_back import Beginning, beginning_of
from handoff_sidecar.opencode.models import Message, Session, SessionID
from handoff_sidecar.session.facts import facts_of

NOTES = Notes(
    summary="Login works.\nThe refresh does not.",
    goal="implement the logout",
    next_steps=["Add a mutex", "Test 2. and 5. requests"],
    key_decisions=["a mutex (no new format)", "cookies"],
    tried_and_failed=["a queue (too slow)"],
    blocked="the staging server",
)
HANDED_OFF = Session.model_validate({"id": "ses_2", "metadata": {"handoff": {"from": "ses_1"}}})
HANDED_OFF_BEFORE = Session(id=SessionID("ses_1"), title="Auth", directory="/p")


def prompt_of(notes: Notes) -> str:
    return write_prompt(brief_of(notes, facts_of(HANDED_OFF_BEFORE, [], [], worktree="/p"), worktree="/p"))


def messages(*listed: dict[str, object]) -> list[Message]:
    return [Message.model_validate(message) for message in listed]


def test_what_an_agent_said_is_read_back_from_the_prompt() -> None:
    found = beginning_of(HANDED_OFF, messages(user_message(1, prompt_of(NOTES))))

    assert found == Beginning(
        summary=("Login works.", "The refresh does not."),
        goal="implement the logout",
        decisions=("a mutex (no new format)", "cookies"),
        tried_and_failed=("a queue (too slow)",),
        next_steps=("Add a mutex", "Test 2. and 5. requests"),
    )


def test_a_session_that_no_handoff_made_began_with_nothing() -> None:
    alone = Session(id=SessionID("ses_2"))

    assert beginning_of(alone, messages(user_message(1, prompt_of(NOTES)))) == Beginning()
    assert beginning_of(HANDED_OFF, messages(user_message(1, "hello"))) == Beginning()
    assert beginning_of(HANDED_OFF, []) == Beginning()


@given(st.text())
def test_a_prompt_that_a_person_has_edited_is_never_an_error(text: str) -> None:
    beginning_of(HANDED_OFF, messages(user_message(1, f"## Session Handoff\n\n{text}")))


lines = st.lists(st.text(min_size=1, alphabet=st.characters(categories=["L", "Nd", "P", "Zs"])), max_size=4)


@given(lines, lines, lines)
def test_what_is_read_back_is_written_again_to_the_letter(
    steps: list[str], decided: list[str], failed: list[str]
) -> None:
    first = prompt_of(Notes(summary="x", next_steps=steps, key_decisions=decided, tried_and_failed=failed))
    found = beginning_of(HANDED_OFF, messages(user_message(1, first)))

    again = Notes(
        summary="\n".join(found.summary),
        next_steps=list(found.next_steps),
        key_decisions=list(found.decisions),
        tried_and_failed=list(found.tried_and_failed),
    )
    assert prompt_of(again) == first


def test_handed_off_again_at_once_a_session_hands_on_what_it_was_handed() -> None:
    notes = computed_notes(HANDED_OFF, messages(user_message(1, prompt_of(NOTES))), "fix the tests")

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
    prompt = prompt_of(NOTES)
    for _ in range(3):
        notes = computed_notes(HANDED_OFF, messages(user_message(1, prompt), said))
        prompt = prompt_of(notes)

    assert notes.summary == (
        f'{OPENING}\nLogin works.\nThe refresh does not.\nThe agent\'s last words: "I start with the mutex."'
    )


def test_what_was_asked_here_goes_before_what_the_session_began_with() -> None:
    asked = user_message(3, "First the e-mail, please.")
    notes = computed_notes(HANDED_OFF, messages(user_message(1, prompt_of(NOTES)), asked))

    assert notes.summary == (
        f"{OPENING}\nWhat this session began with: Login works. The refresh does not.\n"
        'The user\'s last requests, word for word, oldest first:\n- "First the e-mail, please."'
    )
    assert notes.next_steps == []
    assert notes.key_decisions == NOTES.key_decisions
