from __future__ import annotations

from dataclasses import replace

import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message

from handoff_sidecar.call.context import Said, Scene, ToolContext
from handoff_sidecar.handoff.gathering import older_words
from handoff_sidecar.handoff.gathering.older_words import OlderWords
from handoff_sidecar.opencode.models import MessageID, Session
from handoff_sidecar.settings import Settings

HERE = Session(id="ses_old")
READ_AHEAD = [("msg_0150", "Never log a token."), ("msg_0399", "handoff")]


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session()
    said = {1: "Before all that is read.", 150: "Never log a token.", 399: "handoff"}
    fake.messages["ses_old"] = [
        user_message(number, said[number]) if number in said else assistant_message(number, "Hm.")
        for number in range(1, 400)
    ]
    return fake


def scene(opencode: FakeOpenCode) -> Scene:
    place = ToolContext.model_validate({"sessionID": "ses_old", "directory": "/project"})
    return Scene(place, opencode.client(), Settings(), "tui")


async def test_what_was_read_ahead_is_known(opencode: FakeOpenCode) -> None:
    words = OlderWords()
    assert await words.said_in(HERE) == []
    await words.read_ahead(scene(opencode))
    assert await words.said_in(HERE) == READ_AHEAD


async def test_what_the_index_has_stands_in_its_place_and_once(opencode: FakeOpenCode) -> None:
    old, new = (MessageID("msg_0001"), "Use tabs."), (MessageID("msg_0150"), "Never log a token.")

    async def indexed(_session: Session) -> list[Said]:
        return [old, new]

    words = OlderWords(indexed)
    await words.read_ahead(scene(opencode))
    assert await words.said_in(HERE) == [old, *READ_AHEAD]


async def test_nothing_is_read_ahead_where_a_handoff_would_not_ask_for_it(opencode: FakeOpenCode) -> None:
    here = scene(opencode)
    await OlderWords().read_ahead(replace(here, settings=Settings(index=False)))
    assert opencode.requests == []


async def test_a_session_that_cannot_be_read_is_not_known(opencode: FakeOpenCode) -> None:
    words = OlderWords()
    opencode.messages.clear()
    opencode.sessions.clear()
    await words.read_ahead(scene(opencode))
    assert await words.said_in(HERE) == []


async def test_the_sessions_read_last_are_kept(opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_words, "SESSIONS_KEPT", 1)
    words = OlderWords()
    await words.read_ahead(scene(opencode))
    opencode.add_session("ses_other")
    other = ToolContext.model_validate({"sessionID": "ses_other", "directory": "/project"})
    await words.read_ahead(Scene(other, opencode.client(), Settings(), "tui"))
    assert await words.said_in(HERE) == []
