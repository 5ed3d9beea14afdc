"""The four kinds of JSON-RPC 2.0 messages, and how they are parsed and written.

Knows no methods, and does not look into params or results.
"""

from __future__ import annotations

import json
from enum import IntEnum
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr, ValidationError
from pydantic_core import to_json, to_jsonable_python

from handoff_sidecar.jsonc import from_wire
from handoff_sidecar.rpc.errors import RpcError


class ErrorCode(IntEnum):
    """The codes of errors on the wire; the first six are those of JSON-RPC 2.0 and of LSP."""

    PARSE_ERROR = -32700  # a line that is not JSON
    INVALID_REQUEST = -32600  # JSON, but no message of this protocol
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602  # the message names the field and what is wrong with it
    INTERNAL_ERROR = -32603  # unforeseen; the log has the rest
    REQUEST_CANCELLED = -32800  # the caller sent `$/cancelRequest`
    PROTOCOL_MISMATCH = -32001  # the two sides were installed at different times
    ENDPOINT_REFUSED = -32010  # not in the peer's list of endpoints
    HOST_UNREACHABLE = -32011  # the peer could not reach its host
    TOOL_FAILED = -32020  # the message is for the model and the person


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Request(_Frozen):
    """A call that expects an answer."""

    id: StrictInt
    method: StrictStr
    params: dict[str, object] = {}


class Notification(_Frozen):
    """A call that expects no answer."""

    method: StrictStr
    params: dict[str, object] = {}


class Response(_Frozen):
    """The answer to a call that went well."""

    id: StrictInt
    result: object


class ErrorObject(_Frozen):
    """What went wrong with a call."""

    code: StrictInt
    message: StrictStr


class ErrorResponse(_Frozen):
    """The answer to a failed call; without an id if the call's id is unknown."""

    id: StrictInt | None
    error: ErrorObject


Message: TypeAlias = Request | Notification | Response | ErrorResponse


def parse_message(line: bytes) -> Message:
    """The message that a line holds; half an emoji, as in arguments that were cut off, is `?` in it.

    Raises:
        RpcError: the line is not JSON, or JSON nested some 200 deep, or not a message.
    """
    try:
        data = from_wire(line)
    except ValueError as error:
        raise RpcError(ErrorCode.PARSE_ERROR, f"not JSON: {error}") from None
    if isinstance(data, list):
        raise RpcError(ErrorCode.INVALID_REQUEST, "batches are not supported: send one message a line")
    if not isinstance(data, dict) or data.get("jsonrpc") != "2.0":
        raise RpcError(ErrorCode.INVALID_REQUEST, 'not a JSON-RPC 2.0 message: `jsonrpc` must be "2.0"')
    try:
        if "method" in data:
            return Request.model_validate(data) if "id" in data else Notification.model_validate(data)
        return ErrorResponse.model_validate(data) if "error" in data else Response.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        sentence = f"not a JSON-RPC 2.0 message: `{where}`: {first['msg']}"
        raise RpcError(ErrorCode.INVALID_REQUEST, sentence) from None


def encode(message: Message) -> bytes:
    """The line of a message, without its newline.

    Results may hold what pydantic can write (models, dates, paths). NaN becomes null, as in JavaScript; text
    that is not Unicode (such as a file name that is not UTF-8, which Python holds as surrogates) is written with `?`
    in those places.

    Raises:
        ValueError: something in it can't be written as JSON: an unknown type, or endless nesting.
    """
    wire = {"jsonrpc": "2.0", **dict(message)}
    try:
        return to_json(wire, inf_nan_mode="null")
    except ValueError as error:
        if "UnicodeEncodeError" not in str(error):
            raise
        plain = to_jsonable_python(wire, inf_nan_mode="null")
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
