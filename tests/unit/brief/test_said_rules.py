from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import assistant_message, user_message

from handoff_sidecar.brief.brief import Surroundings
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.rules import rules_of
from handoff_sidecar.brief.write import MAX_SAID_RULES_TOKENS, write
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session
from handoff_sidecar.session.facts import Facts, facts_of
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
RULE = "Never log a token."


def facts(*said: str, handoff: dict[str, Any] | None = None, denied_with: str = "") -> Facts:
    session = Session.model_validate(
        {"id": "ses_a", "title": "Auth", "directory": "/p", "metadata": {"handoff": handoff or {}}}
    )
    messages = [user_message(place, text) for place, text in enumerate(said)]
    if denied_with:
        error = (
            "The user rejected permission to use this specific tool call with the following feedback: " + denied_with
        )
        part = {"type": "tool", "tool": "edit", "state": {"status": "error", "input": {}, "error": error}}
        messages.append(assistant_message(50, "", {"id": "prt_50", **part}))
    return facts_of(session, [Message.model_validate(message) for message in messages], [], root="/p")


def written(facts_: Facts, *constraints: str, house_rules: str = "") -> Handoff:
    return write(
        Notes(summary="x", constraints=list(constraints)),
        facts_,
        Handoff(from_session=facts_.session.id, directory="/p"),
        root="/p",
        surroundings=Surroundings(house_rules=house_rules),
        budget_tokens=600,
        tokenizer=TOKENIZER,
        redact=str,
    ).handoff


def left_out(facts_: Facts, *constraints: str, house_rules: str = "") -> list[str]:
    notes = Notes(summary="x", constraints=list(constraints))
    return [rule.text for rule in rules_of(notes, facts_, house_rules=house_rules).said]


def test_a_rule_that_the_agent_leaves_out_goes_along_under_a_heading_of_its_own() -> None:
    prompt = written(facts(f"{RULE} Now build the export.")).prompt

    assert f'**You once said:**\n- "{RULE}"\n\n---' in prompt


def test_one_that_the_agent_names_is_a_constraint_alone_also_in_its_own_words() -> None:
    assert left_out(facts(RULE), "never log a token") == []
    assert left_out(facts(RULE), "Don't log any tokens") == []
    assert left_out(facts(RULE), "never log a password") == [RULE]


def test_a_word_with_which_a_call_was_denied_counts_as_said() -> None:
    assert left_out(facts("Build it.", denied_with="don't touch the generated files")) == [
        "don't touch the generated files"
    ]


@pytest.mark.parametrize("document", ["- Never log a token.", "# Logs\nDo not log a password or a token."])
def test_what_the_project_tells_every_agent_anyway_is_left_out(document: str) -> None:
    assert left_out(facts(RULE, "Use pnpm, not npm."), house_rules=document) == ["Use pnpm, not npm."]


def test_what_was_taken_back_or_struck_is_left_out() -> None:
    assert left_out(facts(RULE, "Forget the rule about the log of a token.")) == []
    assert left_out(facts(RULE, handoff={"struck": ["never log a token"]})) == []


def test_at_most_five_and_120_tokens_of_them_the_newest_first_and_the_rest_is_counted() -> None:
    many = written(facts(*(f"Never use library number {n}." for n in range(9)))).prompt
    long = written(facts(*(f"Never use the library {name}, " + "nor one like it " * 9 for name in "abc"))).prompt

    lines = many.split("**You once said:**\n")[1].split("\n\n")[0].splitlines()
    assert lines[0] == '- "Never use library number 8."'
    assert lines[4:] == ['- "Never use library number 4."', "- (+4 more: `read_session` with `query: rules`)"]
    section = long.split("**You once said:**\n")[1].split("\n- (+")[0]
    assert 0 < TOKENIZER.count(section) <= MAX_SAID_RULES_TOKENS


def test_an_agents_new_words_for_a_rule_do_not_pile_up() -> None:
    carried = {"constraints": [{"text": "Never push to main", "verbatim": True}]}

    constraints = written(facts("Go on.", handoff=carried), "Don't push to the main branch").constraints

    assert constraints == carried["constraints"]
