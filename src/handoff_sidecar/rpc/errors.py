"""Errors of the connection to the peer.

HandoffSidecarError
├── RpcError          an error on the wire: what the peer answered, or what this side is going to answer
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
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} (error {int(self.code)})"


class FrameTooLarge(HandoffSidecarError):
    """A message is over the limit of a line."""


class RequestTimedOut(HandoffSidecarError):
    """The peer has not answered in time."""


class ConnectionLost(HandoffSidecarError):
    """The peer is gone. Waiting calls will not be answered."""
