from __future__ import annotations

from pathlib import Path

from fake_opencode import FakeOpenCode, user_message
from project_support import RULE, HandOff, prompt_of

from handoff_sidecar.journal.brief_file import read_brief


async def test_a_rule_goes_through_three_sessions_without_being_named_again(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    first = await hand_off(constraints=["no new dependencies", "be brief"])
    second = await hand_off(first.metadata["sessionID"])
    third = await hand_off(second.metadata["sessionID"], constraints=["be brief", "no new dependencies"])

    for result in (first, second, third):
        assert f'**Constraints:**\n- "{RULE}"\n- be brief (the agent\'s wording)\n\n' in prompt_of(opencode, result)
    made = opencode.sessions[third.metadata["sessionID"]]
    assert made["title"] == "Handoff: Auth flow (3)"
    chain = ["ses_old", first.metadata["sessionID"], second.metadata["sessionID"]]
    assert made["metadata"]["handoff"]["chain"] == chain
    kept = read_brief(Path(third.metadata["brief"]))
    assert (kept.chain, kept.from_title) == (tuple(chain[:2]), "Handoff: Auth flow (2)")


async def test_a_rule_that_the_user_took_back_is_left_out_and_that_is_said(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    first = await hand_off(constraints=["no new dependencies"])
    made = first.metadata["sessionID"]
    opencode.messages[made].append(user_message(5, "Forget the rule about new dependencies."))

    second = await hand_off(made, constraints=["no new dependencies"])

    assert "**Constraints:**" not in prompt_of(opencode, second)
    assert f'Left out because the user took it back: "{RULE}"' in second.output


async def test_a_rule_can_be_taken_back_in_the_message_that_hands_off(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    first = await hand_off(constraints=["no new dependencies"])
    made = first.metadata["sessionID"]
    opencode.messages[made].append(user_message(5, "handoff fix it. Forget the rule about new dependencies."))

    second = await hand_off(made)

    assert "**Constraints:**" not in prompt_of(opencode, second)


async def test_our_own_prompt_in_a_session_is_not_what_the_user_said(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    first = await hand_off(next_steps=["Rename every file"])

    second = await hand_off(first.metadata["sessionID"], constraints=["rename every file"])

    assert "- rename every file (the agent's wording)" in prompt_of(opencode, second)
