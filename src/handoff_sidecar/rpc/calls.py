"""The peer's calls: a task for each, its answer, and its end when the peer no longer wants it.

It knows no method, does not read, and does not look after this side's own calls: see `connection`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from handoff_sidecar.rpc.errors import ConnectionLost, FrameTooLarge, RpcError
from handoff_sidecar.rpc.frames import FrameWriter
from handoff_sidecar.rpc.messages import (
    ErrorCode,
    ErrorObject,
    ErrorResponse,
    Message,
    Notification,
    Request,
    Response,
    encode,
)
from handoff_sidecar.rpc.wire_errors import ErrorTranslator, wire_error

Handler: TypeAlias = Callable[[dict[str, object]], Awaitable[object]]

# A call is a tool or a message of some session: a few dozen at once is a very busy peer, more is a loop.
# Calls beyond are refused and not left unread: a handler may be waiting for an answer of the peer's that
# would then never be read.
MAX_CONCURRENT_CALLS = 128

# Refusals that the peer does not read. From here on nothing more is read either: a peer that floods without
# reading would otherwise fill the memory.
MAX_UNSENT_REPLIES = 1024

# How long a cancelled handler may take to clean up before it is left behind.
CANCEL_GRACE_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Call:
    """A call that has not been answered yet."""

    request: Request
    task: asyncio.Task[None] | None = None
    started: bool = False
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True
        # A task that is cancelled before its first step never takes it, and could not answer.
        if self.started and self.task:
            self.task.cancel()


class PeerCalls:
    """Runs a handler for each of the peer's calls, all at the same time, and writes the answers."""

    def __init__(
        self, writer: FrameWriter, handlers: Mapping[str, Handler], error_translator: ErrorTranslator | None
    ) -> None:
        self._writer = writer
        self._handlers = handlers
        self._error_translator = error_translator
        self._calls: dict[int, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def start(self, request: Request) -> None:
        """Has a request served, or refuses it."""
        if request.id in self._calls:
            sentence = f"the id {request.id} belongs to a call that is still under way"
            # Without the id: with it, this would be taken for the answer to the first call.
            self.refuse(None, ErrorCode.INVALID_REQUEST, sentence)
        elif len(self._tasks) >= MAX_CONCURRENT_CALLS:
            _log.error("refused %s: %d calls are under way", request.method, len(self._tasks))
            sentence = f"{request.method} was refused: too many calls at once ({MAX_CONCURRENT_CALLS})"
            self.refuse(request.id, ErrorCode.TOO_MANY_CALLS, sentence)
        elif self._closing:
            sentence = f"{request.method} was refused: this side is shutting down"
            self.refuse(request.id, ErrorCode.REQUEST_CANCELLED, sentence)
        else:
            call = self._calls[request.id] = _Call(request)
            call.task = self._spawn(self._serve(call))

    def start_notified(self, notification: Notification) -> None:
        """Has a notification handled, or drops it."""
        handler = self._handlers.get(notification.method)
        if handler is None:
            _log.debug("dropped the notification %s: no handler", notification.method)
        elif len(self._tasks) >= MAX_CONCURRENT_CALLS or self._closing:
            _log.error("dropped the notification %s: too many calls, or closing", notification.method)
        else:
            self._spawn(self._serve_notified(handler, notification))

    def cancel(self, params: dict[str, object]) -> None:
        """Ends the call that the params of a `$/cancelRequest` name; it is answered when its handler ends."""
        wanted = params.get("id")
        call = self._calls.get(wanted) if isinstance(wanted, int) else None
        if call:
            call.cancel()
        else:
            _log.debug("nothing to cancel: call %r is unknown, or has just been answered", wanted)

    def refuse(self, request_id: int | None, code: int, sentence: str) -> None:
        """Answers with an error."""
        error = ErrorObject(code=code, message=sentence)
        self.send_soon(ErrorResponse(id=request_id, error=error), "a refusal")

    def send_soon(self, message: Message, what: str) -> None:
        """Writes a message without making the caller wait; if that fails, the log says so of `what`."""
        self._spawn(self._send(message, what))

    async def wait_for_room(self) -> None:
        """Waits while the peer leaves far too many answers unread."""
        while len(self._tasks) >= MAX_CONCURRENT_CALLS + MAX_UNSENT_REPLIES:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def finish(self, grace_s: float) -> None:
        """Refuses new calls, and gives those under way some time to be answered."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)

    async def cancel_all(self) -> None:
        """Cancels every handler and waits for their ends, but not for ever."""
        self._closing = True
        left = set(self._tasks)
        for task in left:
            task.cancel()
        if left:
            _, stuck = await asyncio.wait(left, timeout=CANCEL_GRACE_S)
            if stuck:
                _log.error("%d handlers did not stop when cancelled", len(stuck))

    async def _serve(self, call: _Call) -> None:
        call.started = True
        try:
            reply = await self._outcome(call)
        finally:
            # From here on a cancel finds nothing, and can't tear the writing.
            del self._calls[call.request.id]
        await self._send(reply, call.request.method)

    async def _outcome(self, call: _Call) -> Response | ErrorResponse:
        request = call.request
        handler = self._handlers.get(request.method)
        if handler is None:
            error = RpcError(ErrorCode.METHOD_NOT_FOUND, f"there is no method {request.method}")
            return _error_response(request.id, error)
        cancelled = RpcError(ErrorCode.REQUEST_CANCELLED, f"{request.method} was cancelled")
        try:
            if not call.cancelled:
                # A handler that finishes although it was cancelled has done its work: the result is the
                # truth.
                return Response(id=request.id, result=await handler(request.params))
            error = cancelled
        except asyncio.CancelledError as cancellation:
            if call.cancelled:
                error = cancelled
            elif _is_being_cancelled():
                raise
            else:  # something that the handler waited for was cancelled: to the caller, a failure like others
                error = wire_error(request.method, cancellation, self._error_translator)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:  # noqa: BLE001 - whatever it is (a panic of an extension), it is answered
            error = wire_error(request.method, failure, self._error_translator)
        return _error_response(request.id, error)

    async def _serve_notified(self, handler: Handler, notification: Notification) -> None:
        try:
            await handler(notification.params)
        except Exception:  # noqa: BLE001 - there is nobody to tell but the log
            _log.exception("the notification %s failed", notification.method)

    async def _send(self, message: Message, what: str) -> None:
        try:
            await self._writer.write(encode(message))
        except ConnectionLost as lost:
            _log.info("%s was not sent: %s", what, lost)
        except Exception as unsendable:  # noqa: BLE001 - it is logged, and the caller gets an answer
            instead = _instead_of(message, what, unsendable)
            if instead:
                await self._send(instead, what)

    def _spawn(self, coroutine: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _error_response(request_id: int | None, error: RpcError) -> ErrorResponse:
    wire = ErrorObject(code=int(error.code), message=error.message, data=error.data)
    return ErrorResponse(id=request_id, error=wire)


def _instead_of(message: Message, what: str, unsendable: Exception) -> ErrorResponse | None:
    """What to answer when an answer is too large, or no JSON."""
    if isinstance(message, Response):
        if isinstance(unsendable, FrameTooLarge):
            sentence = f"the answer to {what} is too large: {unsendable}"
            return _error_response(message.id, RpcError(ErrorCode.INTERNAL_ERROR, sentence))
        return _error_response(message.id, wire_error(what, unsendable, None))
    if isinstance(message, ErrorResponse) and message.error.data is not None:
        _log.error("left out the data of an error of %s", what, exc_info=unsendable)
        error = RpcError(message.error.code, message.error.message)
        return _error_response(message.id, error)
    _log.error("%s was not sent", what, exc_info=unsendable)
    return None


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
