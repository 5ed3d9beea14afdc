"""One connection: this side's calls and who waits for their answers, the peer's calls and the tasks that serve them.

It knows no method but `$/cancelRequest`, and neither opens nor closes the streams below.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Protocol, TypeAlias

from handoff_sidecar.rpc.errors import ConnectionLost, FrameTooLarge, RequestTimedOut, RpcError
from handoff_sidecar.rpc.messages import (
    ErrorCode,
    ErrorObject,
    ErrorResponse,
    Message,
    Notification,
    Request,
    Response,
    encode,
    parse_message,
)
from handoff_sidecar.rpc.wire_errors import wire_error

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""Of a message. Pages of sessions pass through (`http/request`); the largest measured are some 20 MB. Neither side
sends more, so that what is too large fails for its caller alone."""

CANCEL = "$/cancelRequest"

STOP_GRACE_S = 2.0
"""How long `stop` lets calls under way finish. The peer waits for the process to end, but a handoff that is being
written should not be torn."""

CANCEL_GRACE_S = 2.0
"""How long a cancelled handler may take to clean up before it is left behind."""

Handler: TypeAlias = Callable[[dict[str, object]], Awaitable[object]]

_log = logging.getLogger(__name__)


class LineSource(Protocol):
    """Where messages come from, such as asyncio's StreamReader."""

    async def readline(self) -> bytes:
        """The next line with its newline, however long; without one at the end of the stream."""


class LineSink(Protocol):
    """Where messages go."""

    def write(self, data: bytes, /) -> None:
        """Write all of it; raises OSError when the peer is gone."""


class Connection:
    """Calls the peer, and serves the peer's calls with `handlers`: by method, from params to result.

    Nothing is received but while `serve` runs.
    """

    def __init__(
        self,
        source: LineSource,
        sink: LineSink,
        handlers: Mapping[str, Handler],
        *,
        max_frame_bytes: int = MAX_FRAME_BYTES,
    ) -> None:
        self._source = source
        self._sink = sink
        self._handlers = handlers
        self._max_frame_bytes = max_frame_bytes
        self._next_id = 1
        self._pending: dict[int, asyncio.Future[object]] = {}
        self._serving: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop_wanted = asyncio.Event()
        self._lost = False

    @property
    def is_lost(self) -> bool:
        """Whether the peer is gone: nothing that is said from now on reaches it."""
        return self._lost

    async def request(
        self, method: str, params: Mapping[str, object] | None = None, *, timeout_s: float | None
    ) -> object:
        """The peer's answer, as JSON; cancelled or out of time, the call is cancelled at the peer too.

        Raises:
            RpcError: the peer answered with an error.
            RequestTimedOut: it did not answer in time.
            ConnectionLost: it is gone, or went before it answered.
            FrameTooLarge: the call is too large; the peer has seen nothing of it.
        """
        request = Request(id=self._next_id, method=method, params=dict(params or {}))
        self._next_id += 1
        self._write(request)
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._pending[request.id] = answer
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            self._cancel_at_peer(request)
            raise RequestTimedOut(f"{method} was not answered within {timeout_s} s") from None
        except asyncio.CancelledError:
            self._cancel_at_peer(request)
            raise
        finally:
            del self._pending[request.id]
            if answer.done() and not answer.cancelled():
                answer.exception()  # or asyncio complains of an error that nobody looked at

    def notify(self, method: str, params: Mapping[str, object] | None = None) -> None:
        """Tells the peer something that wants no answer.

        Raises:
            ConnectionLost: the peer is gone.
            FrameTooLarge: the message is too large; the peer has seen nothing of it.
        """
        self._write(Notification(method=method, params=dict(params or {})))

    async def serve(self) -> None:
        """Reads and answers until the peer closes its end, or `stop` is called.

        Then every waiting `request` raises ConnectionLost, and handlers that still run are cancelled.
        """
        reading = asyncio.create_task(self._read())
        stop_wanted = asyncio.create_task(self._stop_wanted.wait())
        try:
            await asyncio.wait((reading, stop_wanted), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            elif self._tasks:  # still reading: a handler that is to finish may be waiting for an answer
                await asyncio.wait(self._tasks, timeout=STOP_GRACE_S)
        finally:
            self._lose()
            ending = {reading, stop_wanted, *self._tasks}
            for task in ending:
                task.cancel()
            _, stuck = await asyncio.wait(ending, timeout=CANCEL_GRACE_S)
            if stuck:
                _log.error("%d handlers did not stop when cancelled", len(stuck))

    def stop(self) -> None:
        """Lets `serve` return: calls under way have STOP_GRACE_S to be answered."""
        self._stop_wanted.set()

    async def _read(self) -> None:
        while (line := await self._source.readline()).endswith(b"\n"):
            self._receive(line)
            del line  # or tens of megabytes would be held until the next one comes

    def _receive(self, line: bytes) -> None:
        try:
            message = parse_message(line)
        except RpcError as error:
            _log.error("got a line that is not a message: %s", error.message)
            self._send(_error_response(None, error), "a refusal")
            return
        match message:
            case Request():
                self._serving[message.id] = self._spawn(self._serve(message))
            case Notification(method=method, params=params) if method == CANCEL:
                # Not at once: a task that is cancelled before its first step never takes it, and could not answer.
                asyncio.get_running_loop().call_soon(self._cancel, params.get("id"))
            case Notification():
                self._spawn(self._serve_notified(message))
            case Response() | ErrorResponse():
                self._settle(message)

    def _settle(self, message: Response | ErrorResponse) -> None:
        waiting = self._pending.get(message.id) if message.id is not None else None
        if waiting is None or waiting.done():  # mostly to a call that was given up
            what = message.error.message if isinstance(message, ErrorResponse) else "a result"
            _log.info("dropped an answer to call %s, for which nobody waits: %s", message.id, what)
        elif isinstance(message, ErrorResponse):
            waiting.set_exception(RpcError(message.error.code, message.error.message))
        else:
            waiting.set_result(message.result)

    def _cancel(self, request_id: object) -> None:
        """Ends a call of the peer's, unless its handler has ended; it is answered when that ends."""
        task = self._serving.get(request_id) if isinstance(request_id, int) else None
        if task is not None:
            task.cancel()

    async def _serve(self, request: Request) -> None:
        reply: Response | ErrorResponse
        try:
            handler = self._handlers.get(request.method)
            if handler is None:
                raise RpcError(ErrorCode.METHOD_NOT_FOUND, f"there is no method {request.method}")  # noqa: TRY301  # answered like others
            # A handler that finishes although it was cancelled has done its work: the result is the truth.
            reply = Response(id=request.id, result=await handler(request.params))
        except asyncio.CancelledError:
            cancelled = RpcError(ErrorCode.REQUEST_CANCELLED, f"{request.method} was cancelled")
            reply = _error_response(request.id, cancelled)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:  # noqa: BLE001 - whatever it is (a panic of an extension), it is answered
            reply = _error_response(request.id, wire_error(request.method, failure))
        finally:
            del self._serving[request.id]
        try:
            self._send(reply, request.method)
        except (FrameTooLarge, ValueError) as unsendable:
            self._send(_error_response(request.id, wire_error(request.method, unsendable)), request.method)

    async def _serve_notified(self, notification: Notification) -> None:
        try:
            if handler := self._handlers.get(notification.method):
                await handler(notification.params)
        except Exception:  # noqa: BLE001 - there is nobody to tell but the log
            _log.exception("the notification %s failed", notification.method)

    def _cancel_at_peer(self, request: Request) -> None:
        self._send(Notification(method=CANCEL, params={"id": request.id}), f"the cancelling of {request.method}")

    def _send(self, message: Message, what: str) -> None:
        """Write where nobody waits to hear that the peer is gone."""
        try:
            self._write(message)
        except ConnectionLost as lost:
            _log.info("%s was not sent: %s", what, lost)

    def _write(self, message: Message) -> None:
        line = encode(message)
        if len(line) > self._max_frame_bytes:
            raise FrameTooLarge(
                f"a message of {len(line):,} bytes is over the limit of {self._max_frame_bytes:,} bytes; "
                "nothing was sent"
            )
        if self._lost:
            raise ConnectionLost("the connection is closed")
        try:
            self._sink.write(line + b"\n")
        except OSError as error:
            raise ConnectionLost(f"the peer no longer reads: {error}") from error

    def _lose(self) -> None:
        self._lost = True
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(ConnectionLost("the peer went away before it answered"))

    def _spawn(self, coroutine: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _error_response(request_id: int | None, error: RpcError) -> ErrorResponse:
    return ErrorResponse(id=request_id, error=ErrorObject(code=int(error.code), message=error.message))
