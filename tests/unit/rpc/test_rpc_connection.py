"""Calls in both directions: answers, errors, limits and ends."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.rpc.connection import Connection
from handoff_sidecar.rpc.errors import ConnectionLost, FrameTooLarge, RequestTimedOut, RpcError
from handoff_sidecar.rpc.messages import ErrorCode

if TYPE_CHECKING:
    from unit.rpc.conftest import Rig

    from handoff_sidecar.rpc.connection import Handler

TWENTY_MB = 20_000_000


async def echo(params: dict[str, object]) -> object:
    return params


async def forever(_params: dict[str, object]) -> object:
    return await asyncio.get_running_loop().create_future()


def failing(error: BaseException) -> Any:
    async def fail(_params: dict[str, object]) -> object:
        raise error

    return {"fail": fail}


async def test_a_call_is_answered_with_what_the_handler_returns(rig: Rig) -> None:
    left, _ = rig.pair(right={"echo": echo})
    assert await left.request("echo", {"ü": [1, None]}, timeout_s=5) == {"ü": [1, None]}
    assert await left.request("echo", timeout_s=None) == {}


async def test_both_sides_may_call_while_they_are_being_called(rig: Rig) -> None:
    ends: list[Connection] = []

    async def ask_back(params: dict[str, object]) -> object:
        return await ends[1].request("echo", params, timeout_s=5)

    ends.extend(rig.pair(left={"echo": echo}, right={"ask": ask_back}))
    answers = await asyncio.gather(*(ends[0].request("ask", {"n": n}, timeout_s=5) for n in range(50)))
    assert answers == [{"n": n} for n in range(50)]


async def test_a_slow_call_does_not_hold_up_others(rig: Rig) -> None:
    may_end = asyncio.Event()

    async def slow(_params: dict[str, object]) -> object:
        await may_end.wait()
        return "slow"

    left, _ = rig.pair(right={"slow": slow, "echo": echo})
    waiting = asyncio.create_task(left.request("slow", timeout_s=5))
    assert await left.request("echo", timeout_s=5) == {}
    assert not waiting.done()
    may_end.set()
    assert await waiting == "slow"


async def test_twenty_megabytes_pass_both_ways(rig: Rig) -> None:
    left, right = rig.pair(left={"echo": echo}, right={"echo": echo})
    body = "ü\n" * (TWENTY_MB // 4)
    assert await left.request("echo", {"body": body}, timeout_s=60) == {"body": body}
    assert await right.request("echo", {"body": body}, timeout_s=60) == {"body": body}


async def test_a_call_over_the_limit_fails_for_its_caller_only(rig: Rig) -> None:
    peer = rig.raw(max_frame_bytes=100)
    with pytest.raises(FrameTooLarge):
        await peer.connection.request("x", {"x": "y" * 100}, timeout_s=5)
    peer.connection.notify("fine")
    assert (await peer.receive())["method"] == "fine"


async def test_an_answer_over_the_limit_becomes_an_error(rig: Rig) -> None:
    async def big(_params: dict[str, object]) -> object:
        return "x" * 300

    peer = rig.raw({"big": big}, max_frame_bytes=300)
    answer = await peer.call(1, "big")
    assert answer["error"]["code"] == ErrorCode.TOOL_FAILED
    assert "over the limit of 300 bytes" in answer["error"]["message"]


async def test_an_answer_that_is_no_json_becomes_an_error(rig: Rig) -> None:
    async def odd(_params: dict[str, object]) -> object:
        return object()

    peer = rig.raw({"odd": odd})
    assert (await peer.call(1, "odd"))["error"]["code"] == ErrorCode.INTERNAL_ERROR


async def test_a_handlers_rpc_error_reaches_the_caller_as_it_is(rig: Rig) -> None:
    left, _ = rig.pair(right=failing(RpcError(ErrorCode.PROTOCOL_MISMATCH, "no luck")))
    with pytest.raises(RpcError) as caught:
        await left.request("fail", timeout_s=5)
    assert (caught.value.code, caught.value.message) == (-32001, "no luck")


async def test_an_error_of_our_own_is_told_in_its_own_words(rig: Rig) -> None:
    peer = rig.raw(failing(OpenCodeError("no luck", endpoint="GET /session")))
    assert (await peer.call(1, "fail"))["error"] == {"code": -32020, "message": "no luck"}


async def test_an_unforeseen_exception_is_a_safe_sentence_and_a_traceback_in_the_log(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    peer = rig.raw(failing(ZeroDivisionError("secret")))
    wire = (await peer.call(1, "fail"))["error"]
    assert wire["code"] == ErrorCode.INTERNAL_ERROR
    assert "secret" not in wire["message"]
    told = r"an unexpected error \(fail\); handoff-sidecar's log, sidecar\.log, has the details under (\w+)"
    found = re.fullmatch(told, wire["message"])
    assert found
    assert f"(call {found[1]})" in caplog.text
    assert "Traceback" in caplog.text
    assert "secret" in caplog.text


async def test_wrong_params_are_named_with_their_problem(rig: Rig) -> None:
    class Context(BaseModel):
        session: int
        agent: str

    class Params(BaseModel):
        context: Context

    async def strict(params: dict[str, object]) -> object:
        return Params.model_validate(params)

    peer = rig.raw({"strict": strict})
    wrong = await peer.call(1, "strict", {"context": {"session": "secret"}})
    assert wrong["error"]["code"] == ErrorCode.INVALID_PARAMS
    told = "the plugin's request strict is wrong: `context.session`: Input should be a valid integer"
    assert wrong["error"]["message"].startswith(told)
    assert wrong["error"]["message"].endswith("(and 1 more)")
    assert "secret" not in wrong["error"]["message"]
    missing = await peer.call(2, "strict")
    assert missing["error"]["message"] == "the plugin's request strict is wrong: `context`: is missing"
    right = {"context": {"session": 1, "agent": "build"}}
    assert (await peer.call(3, "strict", right))["result"] == right


@pytest.mark.parametrize("at_once", [True, False], ids=["before it has started", "while it runs"])
async def test_a_call_that_the_peer_cancels_is_answered_as_cancelled(rig: Rig, *, at_once: bool) -> None:
    started, cleaned_up = asyncio.Event(), []

    async def slow(params: dict[str, object]) -> object:
        started.set()
        try:
            return await forever(params)
        finally:
            cleaned_up.append(True)

    peer = rig.raw({"slow": slow})
    call = b'{"jsonrpc":"2.0","id":1,"method":"slow"}\n'
    cancel = b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}\n'
    if at_once:
        peer.send_bytes(call + cancel)
    else:
        peer.send_bytes(call)
        await started.wait()
        peer.send_bytes(cancel)
    expected = {"code": ErrorCode.REQUEST_CANCELLED, "message": "slow was cancelled"}
    assert await peer.receive() == {"jsonrpc": "2.0", "id": 1, "error": expected}
    assert bool(cleaned_up) == started.is_set()


async def test_a_cancel_for_an_unknown_call_changes_nothing(rig: Rig) -> None:
    peer = rig.raw({"echo": echo})
    for wanted in (5, None, "x", [1]):
        peer.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": wanted}})
    assert (await peer.call(1, "echo"))["result"] == {}


async def test_cancelling_a_waiting_call_cancels_it_at_the_peer(rig: Rig) -> None:
    peer = rig.raw()
    waiting = asyncio.create_task(peer.connection.request("slow", timeout_s=None))
    request = await peer.receive()
    waiting.cancel()
    cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": request["id"]}}
    assert await peer.receive() == cancel
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_call_out_of_time_is_cancelled_at_the_peer(rig: Rig) -> None:
    ended = asyncio.Event()

    async def slow(params: dict[str, object]) -> object:
        try:
            return await forever(params)
        finally:
            ended.set()

    left, _ = rig.pair(right={"slow": slow, "echo": echo})
    with pytest.raises(RequestTimedOut, match=r"slow was not answered within 0\.01 s"):
        await left.request("slow", timeout_s=0.01)
    await ended.wait()
    assert await left.request("echo", timeout_s=5) == {}


async def test_a_peer_that_goes_fails_every_waiting_call_and_ends_every_handler(rig: Rig) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def slow(params: dict[str, object]) -> object:
        started.set()
        try:
            return await forever(params)
        finally:
            ended.set()

    peer = rig.raw({"slow": slow})
    calls = [asyncio.create_task(peer.connection.request("x", timeout_s=None)) for _ in range(3)]
    peer.send({"jsonrpc": "2.0", "id": 1, "method": "slow"})
    await started.wait()
    await peer.hang_up()
    assert ended.is_set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionLost] * 3
    with pytest.raises(ConnectionLost):
        await peer.connection.request("x", timeout_s=None)


async def test_a_peer_that_no_longer_reads_is_a_lost_connection(rig: Rig) -> None:
    peer = rig.raw()
    peer.from_us.broken = True
    with pytest.raises(ConnectionLost, match="the reader is gone"):
        await peer.connection.request("x", timeout_s=None)


async def test_half_a_line_at_the_end_is_no_message(rig: Rig) -> None:
    peer = rig.raw({"echo": echo})
    peer.send_bytes(b'{"jsonrpc":"2.0","id":1,"method":"echo"}')
    await peer.hang_up()
    peer.from_us.end()
    assert await peer.from_us.readline() == b""


async def test_cancelling_serve_ends_the_connection_as_well(rig: Rig) -> None:
    peer = rig.raw()
    waiting = asyncio.create_task(peer.connection.request("x", timeout_s=None))
    await peer.receive()
    peer.serving.cancel()
    with pytest.raises(ConnectionLost):
        await waiting


async def test_stopping_lets_calls_under_way_be_answered(rig: Rig) -> None:
    handlers: dict[str, Handler] = {"echo": echo}
    peer = rig.raw(handlers)

    async def shutdown(_params: dict[str, object]) -> object:
        peer.connection.stop()
        # A call of our own still works while we finish.
        return await peer.connection.request("last words", timeout_s=5)

    handlers["shutdown"] = shutdown
    peer.send({"jsonrpc": "2.0", "id": 1, "method": "shutdown"})
    own = await peer.receive()
    peer.send({"jsonrpc": "2.0", "id": own["id"], "result": "bye"})
    assert await peer.receive() == {"jsonrpc": "2.0", "id": 1, "result": "bye"}
    await peer.serving


async def test_an_answer_that_nobody_waits_for_is_dropped_and_logged(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    peer = rig.raw({"echo": echo})
    waiting = asyncio.create_task(peer.connection.request("x", timeout_s=None))
    request_id = (await peer.receive())["id"]
    for result in ("first", "second"):
        peer.send({"jsonrpc": "2.0", "id": request_id, "result": result})
    peer.send({"jsonrpc": "2.0", "id": 77, "result": 1})
    peer.send({"jsonrpc": "2.0", "id": 78, "error": {"code": 1, "message": "unwanted"}})
    peer.send({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "what was that"}})
    # The very next thing that comes back is the answer to this: the others got none.
    assert (await peer.call(1, "echo"))["result"] == {}
    assert await waiting == "first"
    for dropped in (f"call {request_id}", "call 77", "call 78", "call None", "what was that"):
        assert dropped in caplog.text


async def test_notifications_are_handled_and_their_failures_only_logged(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    async def note(params: dict[str, object]) -> None:
        seen.append(params)

    peer = rig.raw({"note": note, "echo": echo, **failing(ZeroDivisionError())})
    for method in ("note", "fail", "unknown"):
        peer.send({"jsonrpc": "2.0", "method": method, "params": {"a": 1}})
    assert (await peer.call(1, "echo"))["result"] == {}
    assert seen == [{"a": 1}]
    assert "the notification fail failed" in caplog.text


@given(lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" ")), max_size=10))
def test_no_bytes_keep_a_call_that_follows_from_being_answered(lines: list[bytes]) -> None:
    async def scenario() -> bytes:
        source = asyncio.StreamReader()
        answered = asyncio.Event()
        written = []

        class Sink:
            def write(self, data: bytes, /) -> None:
                written.append(data)
                if b'"id":77' in data:
                    answered.set()

        connection = Connection(source, Sink(), {"echo": echo})
        serving = asyncio.create_task(connection.serve())
        source.feed_data(b"".join(line + b"\n" for line in lines))
        source.feed_data(b'{"jsonrpc":"2.0","id":77,"method":"echo"}\n')
        await answered.wait()
        source.feed_eof()
        await serving
        return written[-1]

    assert asyncio.run(scenario()) == b'{"jsonrpc":"2.0","id":77,"result":{}}\n'
