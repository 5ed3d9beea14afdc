from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_opencode import FakeOpenCode
from project_support import HandOff, prompt_of

from handoff_sidecar.call.context import Mode
from handoff_sidecar.journal.brief_file import read_brief


async def test_a_draft_is_typed_into_the_input_box_and_the_agent_waits(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    result = await hand_off(settings={"delivery": "draft"})

    (message,) = opencode.messages[result.metadata["sessionID"]]
    (instructions,) = message["parts"]
    assert instructions["synthetic"] is True
    assert opencode.typed.startswith("\n## Session Handoff\n\nLogin works.")
    assert opencode.selected == [result.metadata["sessionID"]]
    assert [body["noReply"] for _, path, body in opencode.requests if path.endswith("prompt_async")] == [True]
    assert "in the input box there" in result.output
    assert read_brief(Path(result.metadata["brief"])).prompt == opencode.typed.strip()


@pytest.mark.parametrize(
    ("mode", "settings", "why"),
    [
        ("run", {"delivery": "draft"}, "no TUI's input box"),
        ("serve", {"delivery": "draft"}, "no TUI's input box"),
        ("tui", {"delivery": "draft", "open": "picker"}, "`open` is `picker`"),
        ("tui", {"delivery": "context"}, "the user speaks first"),
    ],
)
async def test_what_can_be_no_draft_is_placed_and_the_person_speaks_first(
    opencode: FakeOpenCode, hand_off: HandOff, mode: Mode, settings: dict[str, Any], why: str
) -> None:
    result = await hand_off(mode=mode, settings=settings)

    assert why in result.output
    assert prompt_of(opencode, result).startswith("## Session Handoff")
    assert opencode.typed == ""
    assert [body["noReply"] for _, path, body in opencode.requests if path.endswith("prompt_async")] == [True]


@pytest.mark.parametrize("broken", ["/tui/append-prompt", "/tui/select-session"])
async def test_a_draft_that_can_not_be_typed_is_placed_in_the_session(
    opencode: FakeOpenCode, hand_off: HandOff, broken: str
) -> None:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if request.url.path == broken else None

    opencode.intercept = intercept

    result = await hand_off(settings={"delivery": "draft"})

    assert opencode.messages[result.metadata["sessionID"]][1]["parts"][0]["text"].startswith("## Session Handoff")
    assert "It is in the session, and the user speaks first" in result.output
    assert "in the input box there" not in result.output
