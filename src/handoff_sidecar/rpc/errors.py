"""Errors of the connection to the peer.

HandoffSidecarError
├── RpcError          an error on the wire: what the peer answered, or what this side is going to answer
├── InvalidMessage    a line that is not a JSON-RPC message
├── FrameTooLarge     a message over the limit; nothing of it was written
├── RequestTimedOut   the peer did not answer in time; the call was cancelled
└── ConnectionLost    the peer is gone or the connection was closed
"""

from __future__ import annotations

from handoff_sidecar.errors import HandoffSidecarError


class RpcError(HandoffSidecarError):
    """A JSON-RPC error object; raised by a handler, it reaches the peer as it stands.

    Attributes:
        code: see `messages.ErrorCode`; an int, as a peer may send codes that are not listed there.
        message: a sentence that is safe to show.
        data: JSON-able details, or None.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} (error {int(self.code)})"


class InvalidMessage(HandoffSidecarError):
    """A line is not JSON, or not a JSON-RPC 2.0 message.

    Attributes:
        code: -32700 or -32600.
        message: a sentence that quotes nothing of the line.
        request_id: the id to answer with, if the line was clearly a request.
        response_id: the id of the call that this was the answer to, if it was clearly an answer. Kept apart
            from `request_id`, as each side counts its own ids: mixed up, an answer reaches the wrong call.
    """

    def __init__(
        self, code: int, message: str, *, request_id: int | None = None, response_id: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id
        self.response_id = response_id


class FrameTooLarge(HandoffSidecarError):
    """A message is over the limit of a line.

    Attributes:
        size_bytes: how long the line would have been.
        limit_bytes: how long it may be.
    """

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"a message of {size_bytes:,} bytes is over the limit of {limit_bytes:,} bytes; nothing was sent"
        )
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class RequestTimedOut(HandoffSidecarError):
    """The peer has not answered in time.

    Attributes:
        method: the method that was called.
        timeout_s: how long was waited.
    """

    def __init__(self, method: str, timeout_s: float | None) -> None:
        super().__init__(f"{method} was not answered within {timeout_s} s")
        self.method = method
        self.timeout_s = timeout_s


class ConnectionLost(HandoffSidecarError):
    """The peer is gone. Waiting calls will not be answered."""
