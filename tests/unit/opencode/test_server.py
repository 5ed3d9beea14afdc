from __future__ import annotations

import base64
import re

import httpx
import pytest
from fake_opencode import FakeOpenCode

from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.opencode import server_connection
from handoff_sidecar.opencode.server import SERVE_URL, ServerAddress, server_at
from handoff_sidecar.opencode.server_connection import reached, session_on


@pytest.mark.parametrize("url", ["http://ada:geheim@127.0.0.1:4096", "ada:geheim@localhost", "http://geheim@x"])
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(HandoffSidecarError, match="set OPENCODE_SERVER_PASSWORD") as refused:
        server_at(url, {})

    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "127.0.0.1:4096", "localhost:4096", "ftp://x", "http://", "http://x:99999", "http://[::1"]
)
def test_what_is_no_url_is_named_with_one_that_is(url: str) -> None:
    with pytest.raises(
        HandoffSidecarError, match=rf"{re.escape(repr(url))} is not the address of a server.*{SERVE_URL}"
    ):
        server_at(url, {})


def test_the_password_comes_from_the_environment() -> None:
    environment = {"OPENCODE_SERVER_PASSWORD": "geheim", "OPENCODE_SERVER_USERNAME": "ada"}

    assert server_at("http://localhost:4096/", environment) == ServerAddress("http://localhost:4096", "ada", "geheim")
    assert server_at(SERVE_URL, {"OPENCODE_SERVER_PASSWORD": ""}) == ServerAddress(SERVE_URL, "opencode", None)


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception) -> list[httpx.Request]:
    """Let a server answer so to every request; the requests."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def over_http(url: str, *, username: str, password: str | None) -> httpx.AsyncClient:
        auth = httpx.BasicAuth(username, password) if password else None
        return httpx.AsyncClient(transport=httpx.MockTransport(respond), base_url=url, auth=auth)

    monkeypatch.setattr(server_connection, "over_http", over_http)
    return requests


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (ServerAddress("http://fake"), "asks for a password. Set OPENCODE_SERVER_PASSWORD .*OPENCODE_SERVER_USERNAME"),
        (
            ServerAddress("http://fake", "ada", "geheim"),
            "the password in OPENCODE_SERVER_PASSWORD for the user `ada`. Set",
        ),
    ],
)
async def test_a_server_with_a_password_says_which_variables_to_set(
    monkeypatch: pytest.MonkeyPatch, server: ServerAddress, said: str
) -> None:
    requests = answer_with(monkeypatch, httpx.Response(401))

    with pytest.raises(HandoffSidecarError, match=f"the OpenCode server at http://fake .*{said}") as refused:
        async with reached(server):
            pass

    assert "geheim" not in str(refused.value)
    sent = requests[0].headers.get("authorization", "")
    assert base64.b64decode(sent.removeprefix("Basic ")) == (b"ada:geheim" if server.password else b"")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>It works!</html>"),
        httpx.Response(200, json=["healthy"]),
        httpx.Response(404, text="<!DOCTYPE HTML>"),
        httpx.Response(301, headers={"location": "/login"}),
        httpx.RemoteProtocolError("illegal status line: SSH-2.0"),
    ],
)
async def test_a_server_that_is_no_opencode_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception
) -> None:
    answer_with(monkeypatch, answer)

    with pytest.raises(HandoffSidecarError, match=r"^http://fake is not an OpenCode server\. [^<]+$"):
        async with session_on(ServerAddress("http://fake"), "ses_x"):
            pass


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("10 s")])
async def test_where_nobody_answers_the_way_to_start_a_server_is_named(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    answer_with(monkeypatch, error)

    with pytest.raises(
        HandoffSidecarError, match=r"no OpenCode server answers at http://fake\. Start one with `opencode"
    ):
        async with reached(ServerAddress("http://fake")):
            pass


@pytest.mark.parametrize("url", ["http://a b", "http://\u2603-\u0301x", "http://x\n"])
async def test_a_host_that_there_can_not_be_is_no_traceback(url: str) -> None:
    with pytest.raises(HandoffSidecarError, match=r"is not the address of a server|no OpenCode server answers"):
        async with reached(server_at(url, {})):
            pass


async def test_a_session_comes_with_the_connection_and_one_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opencode = FakeOpenCode()
    opencode.add_session("ses_old")
    monkeypatch.setattr(server_connection, "over_http", lambda _url, **_: opencode.http())

    async with session_on(ServerAddress("http://fake"), "ses_old") as (_, session):
        assert session.title == "Auth flow"
    for name, said in (("ses_gone", "there is no session `ses_gone`"), ("../x", "`../x` is not a session id")):
        with pytest.raises(HandoffSidecarError, match=said):
            async with session_on(ServerAddress("http://fake"), name):
                pass
