"""Whatever OpenCode answers: every method of the client gives what it promises, or one of our errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.fuzz.anything import (
    AGENTS,
    JSON,
    MESSAGES,
    PROVIDERS,
    SESSIONS,
    STATUSES,
    TEXT,
    TODOS,
    nearly,
)

from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import MessageID, Model, SessionID
from handoff_sidecar.opencode.requests import through_tunnel
from handoff_sidecar.rpc.errors import RpcError

OLD, MESSAGE = SessionID("ses_old"), MessageID("msg_1")
MODEL = Model(provider_id="p", model_id="m")

Call = Callable[[OpenCodeClient], Awaitable[object]]

METHODS: dict[str, tuple[Call, st.SearchStrategy[Any]]] = {
    "version": (lambda client: client.version(), nearly(version=TEXT)),
    "session": (lambda client: client.session(OLD), SESSIONS),
    "session_if_there": (lambda client: client.session_if_there(OLD), SESSIONS),
    "sessions": (lambda client: client.sessions(5), st.lists(SESSIONS, max_size=3)),
    "messages": (lambda client: client.messages(OLD, limit=5), st.lists(MESSAGES, max_size=3)),
    "message": (lambda client: client.message(OLD, MESSAGE), MESSAGES),
    "todos": (lambda client: client.todos(OLD), TODOS),
    "worktree": (lambda client: client.worktree(), nearly(worktree=TEXT)),
    "agents": (lambda client: client.agents(), AGENTS),
    "models": (lambda client: client.models(), PROVIDERS),
    "model_limits": (lambda client: client.model_limits(), PROVIDERS),
    "compaction_config": (
        lambda client: client.compaction_config(),
        nearly(compaction=nearly(auto=st.booleans(), reserved=st.integers())),
    ),
    "status": (lambda client: client.status(OLD), STATUSES),
    "is_any_busy": (lambda client: client.is_any_busy(), STATUSES),
    "running_subagents": (lambda client: client.running_subagents(OLD), STATUSES),
    "abort": (lambda client: client.abort(OLD), JSON),
    "create_session": (
        lambda client: client.create_session(
            title="\ud800", agent="a", model=MODEL, permission=[{}], metadata={"a": 1}
        ),
        SESSIONS,
    ),
    "prompt": (lambda client: client.prompt(OLD, [], agent="a", model=MODEL, reply=True), JSON),
    "set_metadata": (lambda client: client.set_metadata(OLD, {}), JSON),
    "delete_session": (lambda client: client.delete_session(OLD), JSON),
    "select_session": (lambda client: client.select_session(OLD, leaving=OLD), JSON),
    "append_to_input": (lambda client: client.append_to_input("x"), JSON),
    "open_session_picker": (lambda client: client.open_session_picker(), JSON),
    "show_toast": (lambda client: client.show_toast("x", variant="info"), JSON),
}

STATUS = st.sampled_from([200, 200, 200, 204, 302, 400, 404, 409, 500, 599, 100, 999, 0, -1])
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "x-next-cursor", "content-encoding", "content-length", "location", "é"]),
    TEXT | st.sampled_from(["gzip", "application/json; charset=utf-7", "text/html; charset=nonsense", "5"]),
    max_size=3,
)


ODD_BODIES = [b"", b"[" * 100_000, b'{"a":' * 3_000, b"\xff\xfe[\x00]\x00", b'"\\ud800"', b"1e999", b"NaN"]
READ = ("text", "diffs", "is_work", "error_text", "model", "handoff", "is_finished", "was_aborted", "is_busy")


def test_every_method_of_the_client_is_tried() -> None:
    public = {name for name in vars(OpenCodeClient) if not name.startswith("_") and name != "directory"}
    assert public == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=settings().max_examples // 4)
@given(st.data())
def test_any_answer_is_understood_or_refused(method: str, data: st.DataObject) -> None:
    call, shape = METHODS[method]
    body = data.draw(
        (shape | JSON).map(lambda value: json.dumps(value).encode())
        | st.binary(max_size=40)
        | st.sampled_from(
            [b"", b"[" * 100_000, b'{"a":' * 3_000, b"\xff\xfe[\x00]\x00", b'"\\ud800"', b"1e999", b"NaN"]
        )
    )
    response = httpx.Response(data.draw(st.sampled_from([200, 201, 204, 404, 500])), content=body)
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: response), base_url="http://fake")

    asyncio.run(tried(call, http))


@settings(max_examples=settings().max_examples * 2)
@given(
    st.sampled_from(sorted(METHODS)),
    nearly(status=STATUS, headers=HEADERS, body=TEXT | st.just("[]") | st.just("{}")) | JSON,
)
def test_any_answer_of_the_plugins_is_understood_or_refused(method: str, answer: object) -> None:
    async def carry(_: dict[str, Any]) -> object:
        return answer

    asyncio.run(tried(METHODS[method][0], through_tunnel(carry)))


@pytest.mark.parametrize("method", METHODS)
def test_an_error_of_the_plugins_is_one_of_ours(method: str) -> None:
    async def carry(_: dict[str, Any]) -> object:
        raise RpcError(-32010, "\ud800 no")

    with pytest.raises(OpenCodeError):
        asyncio.run(tried(METHODS[method][0], through_tunnel(carry), passes=False))


async def tried(call: Call, http: httpx.AsyncClient, *, passes: bool = True) -> None:
    async with http:
        try:
            found = await call(OpenCodeClient(http, '/größe "x"\ud800' if passes else "/p"))
        except OpenCodeError as error:
            assert len(str(error)) < 2_000  # noqa: PT017  # both ends are right
            if not passes:
                raise
        else:
            assert passes
            for item in found if isinstance(found, list) else [found]:
                for name in (
                    "text",
                    "diffs",
                    "is_work",
                    "error_text",
                    "model",
                    "handoff",
                    "is_finished",
                    "was_aborted",
                ):
                    getattr(item, name, None)
