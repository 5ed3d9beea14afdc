"""Who wrote a message, and what of it a person typed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fake_opencode import assistant_message, user_message

from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.session.neighbours import as_typed
from handoff_sidecar.session.persons import as_it_came, own_words, writer_of
from handoff_sidecar.session.transcript import record_of
from handoff_sidecar.session.trigger import find_trigger, pattern

ULTRAWORK = (
    "<ultrawork-mode>\n\n**MANDATORY**: say so.\n\n---\n\nMore of it.\n\n</ultrawork-mode>\n\n"
    "<hyperplan-mode>\nPlan.\n</hyperplan-mode>\n\n---\n\n"
)
BRIEF = "## Session Handoff\n\nS.\n\n---\nPrevious: `ses_older` · use read_session"


def message(text: str = "fix the tests", *parts: dict[str, Any], **fields: Any) -> Message:
    raw = user_message(1, text)
    raw["parts"][0] |= fields
    raw["parts"] += parts
    return Message.model_validate(raw)


def noted(**mark: Any) -> dict[str, Any]:
    return {"metadata": {"handoff": mark}}


@pytest.mark.parametrize(
    ("written", "writer"),
    [
        (message(), "person"),
        (message(**noted(typed="handoff")), "person"),
        (message(metadata={"handoff": "of another version"}), "person"),
        (message(synthetic=True), "nobody"),
        (message(ignored=True), "nobody"),
        (message(**noted(by="plugin")), "plugin"),
        (message("Your task is done.\n<!-- OMO_INTERNAL_INITIATOR -->"), "plugin"),
        (message(**noted(by="handoff-sidecar")), "us"),
        (Message.model_validate(assistant_message(1, "I fix the tests.")), "nobody"),
    ],
)
def test_a_message_is_a_persons_unless_it_says_otherwise(written: Message, writer: str) -> None:
    assert writer_of(written) == writer
    assert own_words(written) == ("fix the tests" if writer == "person" else "")


def test_what_a_plugin_put_in_front_is_not_a_persons_word() -> None:
    assert own_words(message(f"{ULTRAWORK}ulw fix the tests\n---\n\nand more")) == "ulw fix the tests\n---\n\nand more"
    assert own_words(message("[team-mode]\nUse team_*.\n\n---\n\nin team mode")) == "in team mode"
    for typed in ("<ultrawork-mode> is a strange name", "one\n---\n\ntwo", "what is team-mode?"):
        assert own_words(message(typed)) == typed


def test_a_record_shows_a_plugins_prompt_as_what_it_is() -> None:
    (note,) = record_of(message("Your process ended.\n", **noted(by="plugin"))).entries
    assert (note.kind, note.head) == ("note", "- prompted by another plugin: Your process ended.")
    (said,) = record_of(message(f"{ULTRAWORK}ulw fix it")).entries
    assert (said.kind, said.taken) == ("said", "ulw fix it")


def test_a_brief_that_a_person_sent_is_not_their_word() -> None:
    assert own_words(message(f"look at a.py\n{BRIEF}")) == "look at a.py"


def test_a_trigger_is_found_behind_what_plugins_put_in_front() -> None:
    rewritten = f"{ULTRAWORK}handoff ulw fix the tests"
    source, _ = pattern()
    assert re.match(source, rewritten, re.IGNORECASE)
    trigger = find_trigger(rewritten)
    assert trigger is not None
    assert trigger.goal == "ulw fix the tests"
    assert find_trigger(f"{ULTRAWORK}fix the tests, then handoff") is None


def test_a_trigger_counts_as_it_was_when_it_came() -> None:
    note = {"type": "text", "text": "They want to hand off.", "synthetic": True, **noted(typed="handoff fix it")}
    assert as_it_came(message("handoff fix it, said louder by another plugin", note)) == "handoff fix it"
    assert as_it_came(message("handoff fix it")) == "handoff fix it"
    assert as_it_came(message("handoff fix it", **noted(by="plugin"))) == ""


def test_a_long_text_of_rules_alone_is_seen_through_at_once() -> None:
    text = "<ultrawork-mode>" + "\n---\n\n" * 2_000
    assert as_typed(text) == "\n---\n\n" * 1_999
