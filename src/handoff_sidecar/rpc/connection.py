"""One connection: this side's own calls and who waits for their answers; the peer's calls go to `calls`.

It knows no method but `$/cancelRequest`, and neither opens nor closes the streams below.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from handoff_sidecar.rpc.calls import Handler, PeerCalls
from handoff_sidecar.rpc.errors import ConnectionLost, InvalidMessage, RequestTimedOut, RpcError
from handoff_sidecar.rpc.frames import FrameReader, FrameWriter, OversizedFrame
from handoff_sidecar.rpc.messages import (
    ErrorCode,
    ErrorResponse,
    Notification,
    Request,
    Response,
    encode,
    parse_message,
)
from handoff_sidecar.rpc.wire_errors import ErrorTranslator

CANCEL = "$/cancelRequest"

# How long `stop` lets calls under way finish. The peer waits for the process to end, but a handoff that is
# being written should not be torn.
STOP_GRACE_S = 2.0

_log = logging.getLogger(__name__)


class Connection:
    """Calls the peer, and serves the peer's calls with `handlers`: by method, from params to result.

    `error_translator` turns the errors of the layers above into errors on the wire, and answers None for
    those it does not know. Nothing is received but while `serve` runs.
    """

    def __init__(
        self,
        reader: FrameReader,
        writer: FrameWriter,
        handlers: Mapping[str, Handler],
        *,
        error_translator: ErrorTranslator | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._peer_calls = PeerCalls(writer, handlers, error_translator)
        self._next_id = 1
        self._pending: dict[int, asyncio.Future[object]] = {}
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
            RequestTimedOut: it did not answer in time; writing the call counts too.
            ConnectionLost: it is gone, or went before it answered.
            FrameTooLarge: the call is too large; the peer has seen nothing of it.
            InvalidMessage: its answer was no valid one.
        """
        if self._lost:
            raise ConnectionLost(f"{method} was not called: the connection is closed")
        request = Request(id=self._next_id, method=method, params=dict(params or {}))
        self._next_id += 1
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._pending[request.id] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self._writer.write(encode(request))
                return await answer
        except TimeoutError:
            self._cancel_at_peer(request)
            raise RequestTimedOut(method, timeout_s) from None
        except asyncio.CancelledError:
            self._cancel_at_peer(request)
            raise
        finally:
            del self._pending[request.id]
            if answer.done() and not answer.cancelled():
                answer.exception()  # or asyncio complains of an error that nobody looked at

    async def notify(self, method: str, params: Mapping[str, object] | None = None) -> None:
        """Tells the peer something that wants no answer.

        Raises:
            ConnectionLost: the peer is gone.
            FrameTooLarge: the message is too large; the peer has seen nothing of it.
        """
        await self._writer.write(encode(Notification(method=method, params=dict(params or {}))))

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
            else:
                # Still reading: a handler that is to finish may be waiting for an answer.
                await self._peer_calls.finish(STOP_GRACE_S)
        finally:
            reading.cancel()
            stop_wanted.cancel()
            self._lose()
            await self._peer_calls.cancel_all()
            await asyncio.wait((reading, stop_wanted))

    def stop(self) -> None:
        """Lets `serve` return: new calls are refused, those under way have STOP_GRACE_S to be answered."""
        self._stop_wanted.set()

    async def _read(self) -> None:
        while (frame := await self._reader.next_frame()) is not None:
            self._receive(frame)
            del frame  # or tens of megabytes would be held until the next one comes
            await self._peer_calls.wait_for_room()

    def _receive(self, frame: bytes | OversizedFrame) -> None:
        if isinstance(frame, OversizedFrame):
            _log.error("skipped a line of %d bytes", frame.size_bytes)
            sentence = f"a line of {frame.size_bytes:,} bytes is over the limit and was skipped"
            self._peer_calls.refuse(None, ErrorCode.PARSE_ERROR, sentence)
            return
        try:
            message = parse_message(frame)
        except InvalidMessage as error:
            self._receive_invalid(error)
            return
        match message:
            case Request():
                self._peer_calls.start(message)
            case Notification(method=method, params=params) if method == CANCEL:
                self._peer_calls.cancel(params)
            case Notification():
                self._peer_calls.start_notified(message)
            case Response() | ErrorResponse():
                self._settle(message)

    def _receive_invalid(self, error: InvalidMessage) -> None:
        _log.error("got a line that is not a message: %s", error.message)
        waiting = self._pending.get(error.response_id) if error.response_id is not None else None
        if waiting and not waiting.done():
            waiting.set_exception(error)
        self._peer_calls.refuse(error.request_id, error.code, error.message)

    def _settle(self, message: Response | ErrorResponse) -> None:
        waiting = self._pending.get(message.id) if message.id is not None else None
        if waiting is None or waiting.done():
            # An id that this side has given out belongs to a call that was given up, or answered twice.
            known = message.id is not None and 0 < message.id < self._next_id
            what = message.error.message if isinstance(message, ErrorResponse) else "a result"
            level = logging.DEBUG if known else logging.WARNING
            _log.log(level, "dropped an answer to call %s, for which nobody waits: %s", message.id, what)
        elif isinstance(message, ErrorResponse):
            error = message.error
            waiting.set_exception(RpcError(error.code, error.message, error.data))
        else:
            waiting.set_result(message.result)

    def _cancel_at_peer(self, request: Request) -> None:
        if not self._lost:
            cancel = Notification(method=CANCEL, params={"id": request.id})
            self._peer_calls.send_soon(cancel, f"the cancelling of {request.method}")

    def _lose(self) -> None:
        self._lost = True
        self._writer.close()
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(ConnectionLost("the peer went away before it answered"))
