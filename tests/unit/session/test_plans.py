from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import assistant_message, tool_part, user_message

from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Agent
from handoff_sidecar.session.plans import answered_plan, is_plan, plan_file

PLAN = "# Logout\n\n1. Add the route\n2. Clear the cookie\n\t- also the old one  \n3. Test it\n"


def by(agent: str, number: int, text: str, *parts: dict[str, Any]) -> Message:
    message = assistant_message(number, text, *parts)
    message["info"] |= {"agent": agent, "mode": agent, "time": {"created": number, "completed": number + 1}}
    return Message.model_validate(message)


def said(number: int, text: str) -> Message:
    return Message.model_validate(user_message(number, text))


def test_the_newest_answer_that_is_a_plan_is_taken_byte_for_byte() -> None:
    messages = [
        said(1, "plan it"),
        by("plan", 2, "1. old\n2. older\n3. oldest"),
        said(3, "better"),
        by("plan", 4, PLAN),
        said(5, "and the docs?"),
        by("plan", 6, "Not needed. Shall I start?"),
    ]

    found = answered_plan(messages, "plan")

    assert found is not None
    assert found.text == PLAN


def test_a_question_that_closes_a_plan_stays_behind() -> None:
    found = answered_plan([by("plan", 1, f"{PLAN}\nShall I start?")], "plan")

    assert found is not None
    assert found.text == PLAN.rstrip("\n")


@pytest.mark.parametrize(
    "messages",
    [
        [by("build", 1, PLAN)],
        [by("plan", 1, "I looked around. Shall I start?")],
        [by("plan", 1, "I have questions:\n- Which route?\n- Which cookie?\n- Which test?")],
        [by("plan", 1, PLAN, tool_part("read"))],
        [],
    ],
)
def test_chatter_another_agents_answer_and_what_was_said_on_the_way_are_none(messages: list[Message]) -> None:
    assert answered_plan(messages, "plan") is None


def test_headings_make_a_plan_without_steps() -> None:
    assert is_plan("## The route\n\nAdd it.\n\n## The cookie\n\nClear it.")
    assert not is_plan("## The route\n\nIt is in auth.ts.")


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/p/.opencode/plans/1764300000000-quiet-otter.md", True),
        ("/home/ada/.local/share/opencode/plans/1764300000000-quiet-otter.md", True),
        ("/p/docs/plans/logout.md", False),
        ("/p/.opencode/plans/notes.txt", False),
    ],
)
def test_the_file_of_opencodes_plan_mode_is_known_by_its_place(path: str, is_one: bool) -> None:  # noqa: FBT001
    written = by("plan", 1, "", tool_part("write", input={"filePath": path}))

    assert plan_file([written]) == (path if is_one else None)


@pytest.mark.parametrize(
    ("permission", "may_edit"),
    [
        ([{"permission": "*", "pattern": "*", "action": "allow"}], True),
        (
            [
                {"permission": "*", "pattern": "*", "action": "allow"},
                {"permission": "edit", "pattern": "*", "action": "deny"},
                {"permission": "edit", "pattern": ".opencode/plans/*.md", "action": "allow"},
            ],
            False,
        ),
        ({"edit": "deny"}, False),
        ([], True),
        (None, True),
    ],
)
def test_whether_an_agent_may_edit_is_told_by_its_rules(permission: Any, may_edit: bool) -> None:  # noqa: FBT001
    assert Agent.model_validate({"name": "x", "permission": permission}).may_edit is may_edit
