from __future__ import annotations

from dataclasses import replace

import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message

from handoff_sidecar.call.context import Scene, ToolContext, Words
from handoff_sidecar.handoff import older_words
from handoff_sidecar.handoff.older_words import OlderWords
from handoff_sidecar.opencode.models import MessageID, Session
from handoff_sidecar.settings import Settings

HERE = Session(id="ses_old")


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


async def test_what_was_read_ahead_is_known_up_to_the_message_that_is_named(opencode: FakeOpenCode) -> None:
    words = OlderWords()
    assert await words.before(HERE, MessageID("msg_0300")) == Words()
    await words.read_ahead(scene(opencode))
    assert await words.before(HERE, MessageID("msg_0300")) == Words(("Never log a token.",), are_all=True)
    assert await words.before(HERE, MessageID("msg_0120")) == Words(are_all=True)


async def test_what_the_index_has_comes_first(opencode: FakeOpenCode) -> None:
    has_all = False

    async def indexed(_session: Session, _message: MessageID) -> Words:
        return Words(("Use tabs.",), are_all=has_all)

    words = OlderWords(indexed)
    await words.read_ahead(scene(opencode))
    assert (await words.before(HERE, MessageID("msg_0300"))).said == ("Use tabs.", "Never log a token.")
    has_all = True
    assert (await words.before(HERE, MessageID("msg_0300"))).said == ("Use tabs.",)


async def test_nothing_is_read_ahead_where_a_handoff_would_not_ask_for_it(opencode: FakeOpenCode) -> None:
    here = scene(opencode)
    await OlderWords().read_ahead(replace(here, settings=Settings(index=False)))
    assert opencode.requests == []


async def test_a_session_that_cannot_be_read_is_not_known(opencode: FakeOpenCode) -> None:
    words = OlderWords()
    opencode.messages.clear()
    opencode.sessions.clear()
    await words.read_ahead(scene(opencode))
    assert await words.before(HERE, MessageID("msg_0300")) == Words()


async def test_the_sessions_read_last_are_kept(opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_words, "SESSIONS_KEPT", 1)
    words = OlderWords()
    await words.read_ahead(scene(opencode))
    opencode.add_session("ses_other")
    other = ToolContext.model_validate({"sessionID": "ses_other", "directory": "/project"})
    await words.read_ahead(Scene(other, opencode.client(), Settings(), "tui"))
    assert await words.before(HERE, MessageID("msg_0300")) == Words()
