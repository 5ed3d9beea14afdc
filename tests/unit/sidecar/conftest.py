"""The sidecar with a shim of a few lines at the other end of in-memory streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message

from handoff_sidecar.folders import Folders
from handoff_sidecar.rpc.connection import Connection
from handoff_sidecar.sidecar.app import Sidecar

DIRECTORY = '/home/ada/größe "x"'
CONTEXT = {"sessionID": "ses_old", "messageID": "msg_2", "callID": "call_1", "agent": "build", "directory": DIRECTORY}


class Pipe:
    """One direction of an in-memory stream."""

    def __init__(self) -> None:
        self._reader = asyncio.StreamReader(limit=2**30)

    async def readline(self) -> bytes:
        return await self._reader.readline()

    def write(self, data: bytes, /) -> None:
        self._reader.feed_data(data)

    def close(self) -> None:
        self._reader.feed_eof()


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(directory=DIRECTORY)
    fake.messages["ses_old"] = [user_message(1, "fix the login"), assistant_message(2, "done")]
    return fake


@pytest.fixture
async def shim(opencode: FakeOpenCode, tmp_path: Path) -> AsyncIterator[Connection]:
    to_sidecar, to_shim = Pipe(), Pipe()
    config = tmp_path / "config"
    sidecar = Sidecar(
        to_sidecar,
        to_shim,
        Folders(config, tmp_path / "state", tmp_path / "cache"),
        now=lambda: datetime.now(UTC),
    )

    async def http_request(params: Mapping[str, Any]) -> object:
        assert params["directory"] == DIRECTORY
        request = httpx.Request(
            params["method"], "http://fake" + params["path"], headers=params["headers"], content=params["body"] or b""
        )
        response = await opencode._answer(request)  # noqa: SLF001
        return {"status": response.status_code, "headers": dict(response.headers), "body": response.text}

    connection = Connection(to_shim, to_sidecar, {"http/request": http_request})
    serving = [asyncio.ensure_future(sidecar.run()), asyncio.ensure_future(connection.serve())]
    yield connection
    to_sidecar.close()
    to_shim.close()
    await asyncio.gather(*serving)


async def hello(shim: Connection, **changes: Any) -> Any:
    params = {"protocolVersion": 1, "openCode": {}, "mode": "tui", "directory": DIRECTORY}
    return await shim.request("initialize", {**params, **changes}, timeout_s=20)


async def call(shim: Connection, tool: str, arguments: Any, **context: Any) -> Any:
    params = {"name": tool, "arguments": arguments, "context": {**CONTEXT, **context}}
    return await shim.request("tool/call", params, timeout_s=20)


async def command(shim: Connection, name: str, arguments: str) -> Any:
    params = {"name": name, "arguments": arguments, "context": CONTEXT}
    return await shim.request("command/execute", params, timeout_s=20)


PLACE = {"sessionID": "ses_old", "directory": DIRECTORY, "worktree": DIRECTORY}
