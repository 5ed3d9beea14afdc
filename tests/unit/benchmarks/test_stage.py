"""What the measurements are made on: the same each time, and nothing of the caller's."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message

from benchmarks import unchanged
from benchmarks.errors import MeasuringFailed
from benchmarks.note import ARGUMENTS
from benchmarks.sidecar import DIRECTORY, environment, running
from benchmarks.stage import OpenCode
from benchmarks.unchanged import OldSession
from handoff_sidecar.demo.sandbox import Sandbox


@pytest.fixture
def fake() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session("ses_old", metadata={"mine": 1})
    fake.messages["ses_old"] = [
        message
        for number in range(0, 300, 2)
        for message in (user_message(number, "asked"), assistant_message(number + 1, "answered"))
    ]
    return fake


def seen(fake: FakeOpenCode) -> OldSession:
    http = httpx.Client(transport=httpx.MockTransport(fake.route), base_url="http://fake")
    return OldSession.seen(OpenCode(http, Sandbox(Path(), Path())), "ses_old")


def handed_off(fake: FakeOpenCode) -> None:
    fake.messages["ses_old"] += [user_message(9_000, "handoff"), assistant_message(9_001, "done")]
    fake.sessions["ses_old"]["metadata"] = {"mine": 1, "handoff": {"to": "ses_new"}}
    fake.add_session("ses_new")


def test_after_a_handoff_the_old_session_is_made_what_it_was(fake: FakeOpenCode) -> None:
    old, messages = seen(fake), list(fake.messages["ses_old"])
    handed_off(fake)

    old.put_back()
    old.check()

    assert fake.messages["ses_old"] == messages
    assert fake.sessions["ses_old"]["metadata"] == {"mine": 1}
    assert list(fake.sessions) == ["ses_old"]


def test_an_old_session_that_lost_a_message_ends_the_measurement(
    fake: FakeOpenCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unchanged, "PUT_BACK_TIMEOUT_S", 0.0)
    old = seen(fake)
    del fake.messages["ses_old"][-1]

    with pytest.raises(MeasuringFailed, match="could not be made what it was"):
        old.put_back()
    assert len(fake.messages["ses_old"]) == 299


def test_an_old_session_that_has_more_messages_at_the_end_ends_the_measurement(fake: FakeOpenCode) -> None:
    old = seen(fake)
    handed_off(fake)

    with pytest.raises(MeasuringFailed, match="had 300 messages at first, and 302 at the end"):
        old.check()


def test_the_callers_own_settings_do_not_reach_the_sidecar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "OPENCODE_CONFIG_DIR", "HANDOFF_SIDECAR_LOG"):
        monkeypatch.setenv(name, "/home/ada/own")

    found = environment(tmp_path)

    assert "/home/ada/own" not in found.values()
    assert found["HOME"] == str(tmp_path)


async def test_the_sidecar_is_told_of_its_prompt_and_does_not_look_for_it(tmp_path: Path, fake: FakeOpenCode) -> None:
    async with running(tmp_path, fake) as sidecar:
        answer = await sidecar.call("session_handoff", ARGUMENTS, "ses_old", DIRECTORY)

    made = answer["metadata"]["sessionID"]
    assert fake.messages[made]
    assert ("GET", f"/session/{made}/message", None) not in fake.requests
