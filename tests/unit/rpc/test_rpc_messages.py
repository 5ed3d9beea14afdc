"""Messages from and to bytes; the golden ones are read by the tests of both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from handoff_sidecar.rpc.errors import RpcError
from handoff_sidecar.rpc.messages import (
    ErrorCode,
    ErrorResponse,
    Message,
    Notification,
    Request,
    Response,
    encode,
    parse_message,
)

if TYPE_CHECKING:
    from unit.rpc.conftest import Rig

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.json"))


def golden(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_message_is_understood_and_written_the_same(path: Path) -> None:
    content = golden(path)
    for message in [content["message"], content.get("answer")]:
        if message is None or isinstance(message, list) or message["jsonrpc"] != "2.0":
            continue
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        assert encode(parse_message(line)) == line
        escaped = json.dumps(message, indent=1).encode()
        assert encode(parse_message(escaped)) == line


@pytest.mark.parametrize("path", [path for path in GOLDEN if "answer" in golden(path)], ids=lambda p: p.stem)
async def test_a_golden_message_gets_its_golden_answer(path: Path, rig: Rig) -> None:
    content = golden(path)
    peer = rig.raw()
    peer.send(content["message"])
    assert await peer.receive() == content["answer"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tool-call.request", Request),
        ("cancel.notification", Notification),
        ("shutdown.response", Response),
        ("tool-call.error", ErrorResponse),
    ],
)
def test_the_kind_of_a_message_follows_from_its_members(name: str, kind: type[Message]) -> None:
    path = next(path for path in GOLDEN if path.stem == name)
    assert type(parse_message(json.dumps(golden(path)["message"]).encode())) is kind


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Request(id=1, method="x").id = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"jsonrpc":"2.0","id":5,"method":"x","params":{"number":NaN}}',
        b'{"jsonrpc":"2.0","method":"\xc3"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b'{"jsonrpc":"2.0","method":"x"} {}',
        b"NaN",
    ],
    ids=lambda line: repr(line[:20]),
)
def test_what_is_not_json_is_a_parse_error(line: bytes) -> None:
    with pytest.raises(RpcError, match="not JSON") as caught:
        parse_message(line)
    assert caught.value.code == ErrorCode.PARSE_ERROR


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"id": 1, "method": 5}, "`method`"),
        ({"id": 1, "method": "x", "params": [1]}, "`params`"),
        ({"id": "1", "method": "x"}, "`id`"),
        ({"id": True, "method": "x"}, "`id`"),
        ({"id": None, "method": "x"}, "`id`"),
        ({"method": "x", "params": 5}, "`params`"),
        ({"id": 1}, "`result`"),
        ({"result": 1}, "`id`"),
        ({"id": 1, "error": "no"}, "`error`"),
        ({"id": 1, "error": {"code": "1", "message": ""}}, "`error.code`"),
    ],
)
def test_what_is_no_message_is_refused_with_the_member_that_is_wrong(wrong: dict[str, object], problem: str) -> None:
    with pytest.raises(RpcError) as caught:
        parse_message(json.dumps({"jsonrpc": "2.0", **wrong}).encode())
    assert caught.value.code == ErrorCode.INVALID_REQUEST
    assert problem in caught.value.message


def test_half_an_emoji_costs_only_itself() -> None:
    line = b'{"jsonrpc":"2.0","id":5,"method":"x","params":{"text":"cut \\ud83d"}}'
    assert parse_message(line) == Request(id=5, method="x", params={"text": "cut ?"})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@given(value=JSON, request_id=st.integers())
def test_any_json_survives_the_way_there_and_back_on_one_line(value: object, request_id: int) -> None:
    message = Response(id=request_id, result=value)
    line = encode(message)
    assert b"\n" not in line
    assert parse_message(line) == message


@given(st.binary())
def test_no_line_gets_anything_out_of_the_parser_but_a_message_or_its_own_error(line: bytes) -> None:
    try:
        parse_message(line)
    except RpcError as error:
        assert error.code in {ErrorCode.PARSE_ERROR, ErrorCode.INVALID_REQUEST}  # noqa: PT017


def test_text_that_is_no_unicode_is_written_as_well_as_it_can_be() -> None:
    line = encode(Response(id=1, result={"file": "caf\udce9 ü", "other": float("nan")}))
    assert json.loads(line)["result"] == {"file": "caf? ü", "other": None}


@pytest.mark.parametrize("value", [object(), {"deep": object()}])
def test_what_is_no_json_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match="Unable to serialize"):
        encode(Response(id=1, result=value))
