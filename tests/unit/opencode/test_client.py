from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_opencode import FakeOpenCode, user_message
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.errors import HandoffSidecarError, OpenCodeGarbled, OpenCodeRefused, OpenCodeUnreachable
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import MessageID, Session, SessionID
from handoff_sidecar.opencode.requests import is_message_id, is_session_id, over_http, through_tunnel

OLD = SessionID("ses_old")


def answering(response: httpx.Response) -> OpenCodeClient:
    transport = httpx.MockTransport(lambda _: response)
    return OpenCodeClient(httpx.AsyncClient(transport=transport, base_url="http://fake"), "/p")


async def test_a_404_says_what_was_not_found() -> None:
    with pytest.raises(OpenCodeRefused, match=r"404 to GET /session/ses_old: Session not found: ses_old") as caught:
        await FakeOpenCode().client().session(OLD)
    assert caught.value.status == 404
    assert caught.value.endpoint == "GET /session/ses_old"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id": 5}', b"\xff\xfe", b"[" * 200_000])
async def test_an_answer_of_another_shape_is_told_apart_from_an_error(body: bytes) -> None:
    with pytest.raises(OpenCodeGarbled, match="GET /session/ses_old"):
        await answering(httpx.Response(200, content=body)).session(OLD)


async def test_one_message_of_another_shape_does_not_hide_the_others() -> None:
    answer = httpx.Response(200, json=[user_message(1, "a"), {"info": {"role": "robot"}}, user_message(2, "b")])

    page = await answering(answer).messages(OLD, limit=20)

    assert [message.text for message in page.messages] == ["a", "b"]


async def test_a_message_that_was_cut_inside_an_emoji_is_read() -> None:
    answer = httpx.Response(
        200, content=rb'[{"info":{"id":"msg_1","role":"user"},"parts":[{"type":"text","text":"\ud83d"}]}]'
    )

    page = await answering(answer).messages(OLD, limit=20)

    assert page.messages[0].text == "?"


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("late")])
async def test_no_answer_is_unreachable(error: httpx.HTTPError) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    client = OpenCodeClient(httpx.AsyncClient(transport=httpx.MockTransport(fail), base_url="http://fake"), "/p")
    with pytest.raises(OpenCodeUnreachable, match="GET /session/ses_old"):
        await client.session(OLD)


IDS = json.loads((Path(__file__).parents[2] / "cases" / "ids.json").read_text(encoding="utf-8"))
"""Read by the plugin's tests too, so that both sides hold the same texts for ids."""


@pytest.mark.parametrize("text", IDS["sessions"])
def test_what_is_a_session_id_is_one_on_both_sides(text: str) -> None:
    assert is_session_id(text)
    assert is_message_id(text.replace("ses_", "msg_"))


@pytest.mark.parametrize("text", IDS["none"])
async def test_what_is_no_id_never_gets_into_a_path(text: str) -> None:
    opencode = FakeOpenCode()
    opencode.add_session()
    client, session = opencode.client(), SessionID(text)
    message = MessageID(text.replace("ses_", "msg_"))
    attempts: list[Coroutine[Any, Any, Any]] = [
        client.session(session),
        client.messages(session, limit=1),
        client.message(SessionID("ses_old"), message),
        client.todos(session),
        client.abort(session),
        client.prompt(session, [], agent=None, model=None, reply=False),
        client.set_metadata(session, {}),
        client.delete_session(session),
    ]

    for attempt in attempts:
        with pytest.raises(OpenCodeRefused, match="is not an OpenCode id"):
            await attempt
    assert opencode.requests == []


async def test_a_session_whose_id_is_a_path_is_no_session() -> None:
    opencode = FakeOpenCode()
    opencode.add_session()
    opencode.sessions["ses_old"]["id"] = "ses_/../../../etc/cron.d/x"

    with pytest.raises(OpenCodeGarbled):
        await opencode.client().session(SessionID("ses_old"))


async def test_basic_auth_goes_out_with_every_request() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "ses_old"})

    http = over_http("http://127.0.0.1:1", password="secret")
    http._transport = httpx.MockTransport(answer)  # noqa: SLF001
    await OpenCodeClient(http, "/größe").session(OLD)

    assert seen[0].headers["authorization"].startswith("Basic ")
    assert seen[0].headers["x-opencode-directory"] == "%2Fgr%C3%B6%C3%9Fe"


@pytest.fixture
async def tunnelled() -> AsyncIterator[tuple[list[dict[str, Any]], httpx.AsyncClient]]:
    sent: list[dict[str, Any]] = []

    async def carry(request: dict[str, Any]) -> object:
        sent.append(request)
        return {"status": 200, "headers": {"x-next-cursor": "msg_1"}, "body": "[]"}

    async with through_tunnel(carry) as http:
        yield sent, http


async def test_a_request_travels_through_the_tunnel_as_data(
    tunnelled: tuple[list[dict[str, Any]], httpx.AsyncClient],
) -> None:
    sent, http = tunnelled
    client = OpenCodeClient(http, '/home/ada/größe "x"')

    page = await client.messages(OLD, limit=20, before="a&b")
    await client.show_toast("grüße", variant="info")

    assert page.before == "msg_1"
    assert sent[0] == {
        "directory": '/home/ada/größe "x"',
        "method": "GET",
        "path": "/session/ses_old/message?limit=20&before=a%26b",
        "headers": {},
        "attach": None,
        "body": None,
    }
    assert sent[1]["headers"] == {"content-type": "application/json"}
    assert "grüße" in sent[1]["body"]


@pytest.mark.parametrize("failure", ["refused", "garbage", "silence"])
async def test_whatever_the_tunnel_does_the_client_raises_its_own_errors(failure: str) -> None:
    async def carry(_: dict[str, Any]) -> object:
        if failure == "refused":
            raise HandoffSidecarError("not one of the endpoints")
        if failure == "silence":
            await asyncio.Event().wait()
        return {"status": "fine"}

    async with through_tunnel(carry) as http:
        http.timeout = httpx.Timeout(0.01)
        with pytest.raises(OpenCodeUnreachable):
            await OpenCodeClient(http, "/p").session(OLD)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["id", "info", "parts", "role", "state", "metadata", "time", "title", "type", "summary"])


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_no_reply_makes_the_models_fail_in_another_way_than_validation(reply: dict[str, Any]) -> None:
    for model in (Session, Message):
        try:
            parsed = model.model_validate(reply)
        except ValueError:
            continue
        if isinstance(parsed, Message):
            assert isinstance(parsed.text, str)
            assert parsed.is_work in {True, False}
