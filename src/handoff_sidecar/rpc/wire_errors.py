"""The one place where an exception becomes an error on the wire.

The peer gets a code and a safe sentence; the traceback goes to the log.
"""

from __future__ import annotations

import logging
import secrets

from pydantic import ValidationError

from handoff_sidecar.errors import HandoffSidecarError, kind_of
from handoff_sidecar.rpc.errors import RpcError
from handoff_sidecar.rpc.messages import ErrorCode

_log = logging.getLogger(__name__)


def wire_error(method: str, error: BaseException) -> RpcError:
    """What the peer is told of an exception that a handler of `method` let out.

    An RpcError passes, and our own errors carry sentences that are meant to be read. A ValidationError counts as one of
    the call's params: layers below validate what they read themselves, and raise errors of their own. All else was not
    foreseen: the log gets it whole, the peer a sentence to find it there.
    """
    if isinstance(error, RpcError):
        return error
    if isinstance(error, HandoffSidecarError):
        _log.info("%s failed: %s", method, kind_of(error))
        return RpcError(ErrorCode.TOOL_FAILED, str(error))
    if isinstance(error, ValidationError):
        # Without the traceback, which quotes the params: what people say does not belong into a log.
        sentence = _params_sentence(method, error)
        _log.warning("wrong params: %s", sentence)
        return RpcError(ErrorCode.INVALID_PARAMS, sentence)
    call = secrets.token_hex(4)
    _log.error("%s failed (call %s)", method, call, exc_info=error)
    return RpcError(
        ErrorCode.INTERNAL_ERROR,
        f"an unexpected error ({method}); handoff-sidecar's log, sidecar.log, has the details under {call}",
    )


def _params_sentence(method: str, error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = problems[0]
    field = ".".join(str(step) for step in first["loc"]) or "params"
    problem = "is missing" if first["type"] == "missing" else first["msg"]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"the plugin's request {method} is wrong: `{field}`: {problem}{more}"
