"""The sidecar process: what it is built from, and what it does with each message of the shim.

The one place where objects are made and tied together. Each handler here is the JSON-RPC method of that name
(design, section 3); what a tool does is in `tools`.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

from handoff_sidecar import __version__
from handoff_sidecar.auto_handoff.compaction import records_of
from handoff_sidecar.auto_handoff.model_limits import Capacity
from handoff_sidecar.auto_handoff.threshold import OUTPUT_TOKENS_MAX
from handoff_sidecar.auto_handoff.typed import TypedHandoffs
from handoff_sidecar.auto_handoff.watch import Watch
from handoff_sidecar.call.background import go_on
from handoff_sidecar.call.context import ToolContext
from handoff_sidecar.call.scenes import Scenes
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.folders import APP_NAME, Folders, cache_folder
from handoff_sidecar.handoff.afterwards import Arrivals, KeptMarks
from handoff_sidecar.handoff.commands.now import HandoffNow
from handoff_sidecar.handoff.commands.resume import HandoffResume
from handoff_sidecar.handoff.commands.rules import handoff_rules
from handoff_sidecar.handoff.commands.undo import handoff_undo
from handoff_sidecar.handoff.definition import SESSION_HANDOFF
from handoff_sidecar.handoff.gathering.older_words import OlderWords
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.indexing.indexes import Indexes
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.opencode.parts import hidden_text
from handoff_sidecar.opencode.requests import through_tunnel
from handoff_sidecar.opencode.versions import NEWEST_TRIED, is_untried
from handoff_sidecar.reading.definition import READ_SESSION
from handoff_sidecar.reading.read_session import ReadSessionTool
from handoff_sidecar.rpc.connection import Connection, LineSink, LineSource
from handoff_sidecar.rpc.errors import RpcError
from handoff_sidecar.rpc.messages import ErrorCode
from handoff_sidecar.session.neighbours import as_typed
from handoff_sidecar.session.trigger import find_trigger, pattern
from handoff_sidecar.settings import SETTINGS_FILE
from handoff_sidecar.sidecar.calls import Calls, Command, Tool
from handoff_sidecar.sidecar.logs import STARTED, UNMARKED_PROMPTS
from handoff_sidecar.sidecar.manifest import PROTOCOL_VERSION
from handoff_sidecar.sidecar.params import (
    Arrival,
    DeletedEvent,
    DirectoryOpened,
    Event,
    Initialize,
    InSession,
    MessageEvent,
    PartEvent,
    ReceivedMessage,
    RemovedEvent,
    Step,
    WrittenMark,
)
from handoff_sidecar.sidecar.shim_sentences import too_old
from handoff_sidecar.sidecar.trigger_file import as_it_is, leave_pattern
from handoff_sidecar.text.tokens import Tokenizer

log = logging.getLogger(__name__)

HOST_TIMEOUT_S = 30.0
"""For an answer of the shim's; the HTTP client's own limit is shorter and ends the wait first."""

VERSION_TIMEOUT_S = 2.0
"""A start of the sidecar waits for it. OpenCode answers in a few milliseconds, while it starts too."""

UPDATE_DELAY_S = 10.0
"""After the start, before a newer version is looked for: OpenCode's own start is over by then."""

WATCHED_MODES = frozenset({"tui", "serve"})
"""Where a person can be: elsewhere sessions are neither watched nor handed off by themselves."""


class Sidecar:
    """The process's one object: a connection to the shim, the tools, and what they share."""

    def __init__(
        self,
        source: LineSource,
        sink: LineSink,
        folders: Folders,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._folders = folders
        self._http = through_tunnel(self._carry)
        self._now = now
        self._upkeep = Upkeep(Indexes(folders.cache))
        self._older_words = OlderWords(self._upkeep.said_in)
        self._scenes = Scenes(self._http, folders.config, self._older_words.said_in)
        self._tokenizer = Tokenizer()
        self._vocabulary: asyncio.Task[None] | None = None
        self._update: asyncio.Task[None] | None = None
        journal = Journal(folders.state / "briefs")
        self._briefs = journal.folder
        session_handoff = SessionHandoff(journal=journal, tokenizer=self._tokenizer, now=now, is_heard=self._is_heard)
        self._interrupted = session_handoff.interrupted
        self._stored_prompts = session_handoff.stored_prompts
        tools: dict[str, Tool] = {
            SESSION_HANDOFF.name: session_handoff,
            READ_SESSION.name: ReadSessionTool(
                journal=journal, tokenizer=self._tokenizer, now=now, upkeep=self._upkeep
            ),
        }
        commands: dict[str, Command] = {
            "handoff-now": HandoffNow(session_handoff),
            "handoff-draft": HandoffNow(session_handoff, "/handoff-draft", is_draft=True),
            "handoff-undo": handoff_undo,
            "handoff-rules": handoff_rules,
            "handoff-resume": HandoffResume(session_handoff),
        }
        self._arrivals = Arrivals(self._tokenizer)
        self._kept_marks = KeptMarks()
        self._capacity = Capacity(_output_tokens_max())
        self._watch = Watch(session_handoff, self._capacity)
        self._typed = TypedHandoffs(session_handoff)
        calls = Calls(tools, commands, self._scenes, self._upkeep, self._vocabulary_loaded)
        self.connection = Connection(
            source,
            sink,
            {
                "initialize": self._initialize,
                "tool/call": calls.tool_call,
                "message/received": self._message_received,
                "command/execute": calls.command_execute,
                "directory/opened": self._directory_opened,
                "session/arrival": self._session_arrival,
                "session/mark": self._session_mark,
                "session/step": self._session_step,
                "session/compacting": self._session_compacting,
                "session/continue": self._session_continue,
                "event": self._event,
                "shutdown": self._shutdown,
            },
        )

    async def run(self) -> None:
        """Serve the shim until it closes its end or asks for the end."""
        async with self._http, aclosing(self._upkeep):
            await self.connection.serve()

    async def _initialize(self, params: dict[str, object]) -> dict[str, Any]:
        hello = Initialize.model_validate(params)
        if hello.protocol_version != PROTOCOL_VERSION:
            raise RpcError(
                ErrorCode.PROTOCOL_MISMATCH,
                f"the plugin speaks protocol {hello.protocol_version} and the sidecar {__version__} speaks protocol "
                f"{PROTOCOL_VERSION}: run `handoff-sidecar install` again, then restart OpenCode",
            )
        self._scenes.mode = hello.mode
        told = await self._version(hello.directory)
        if hello.open_code.is_too_old(told):
            log.warning("OpenCode %s is too old", told)
            return self._hello() | {"refusal": too_old(told)}
        version = told or "of an unknown version"
        log.info(STARTED, version, hello.mode, __version__)
        if not hello.open_code.marks_prompts:
            log.warning(UNMARKED_PROMPTS)
        if is_untried(version):
            log.warning("OpenCode %s was not tried with this sidecar, whose newest is %s", version, NEWEST_TRIED)
        # In the background: the first handoff finds the vocabulary loaded, and nobody waits for it now.
        self._vocabulary = asyncio.create_task(asyncio.to_thread(self._load))
        if hello.mode in WATCHED_MODES:
            self._update = asyncio.create_task(self._look_for_update(hello.directory))
        settings = as_it_is(self._folders.config / SETTINGS_FILE)
        source, flags = pattern(self._scenes.trigger_words())
        if settings is not None:
            leave_pattern(self._folders.state, settings, source, flags)
        return self._hello() | {
            "triggerPattern": {"source": source, "flags": flags},
            "watches": hello.mode in WATCHED_MODES,
            "briefs": str(self._briefs),
        }

    async def _version(self, directory: str) -> str | None:
        """OpenCode's own, if it tells it in time."""
        if not directory:
            return None
        try:
            async with asyncio.timeout(VERSION_TIMEOUT_S):
                return await OpenCodeClient(self._http, directory).version()
        except (HandoffSidecarError, TimeoutError) as error:
            log.info("OpenCode did not tell its version: %s", error)
            return None

    @staticmethod
    def _hello() -> dict[str, Any]:
        return {"protocolVersion": PROTOCOL_VERSION, "server": {"name": APP_NAME, "version": __version__}}

    async def _directory_opened(self, params: dict[str, object]) -> dict[str, dict[str, Any]]:
        opened = DirectoryOpened.model_validate(params)
        scene = self._scenes.scene(ToolContext(sessionID=SessionID(""), **opened.model_dump()))
        go_on(self._interrupted.offer(scene.client, scene.context.root))
        if self._scenes.mode in WATCHED_MODES and scene.settings.index:
            go_on(self._upkeep.opened(scene.client))
        room = await self._capacity.load(scene.client)
        return {"floors": room.floors(scene.settings), "points": room.shown(scene.settings)}

    async def _session_arrival(self, params: dict[str, object]) -> None:
        arrival = Arrival.model_validate(params)
        await self._vocabulary_loaded()
        await self._arrivals(arrival.text, self._scenes.scene(arrival.context))

    async def _session_mark(self, params: dict[str, object]) -> None:
        written = WrittenMark.model_validate(params)
        await self._kept_marks.write(written.mark, self._scenes.scene(written.context))

    async def _session_step(self, params: dict[str, object]) -> dict[str, Any]:
        step = Step.model_validate(params)
        text = await self._watch.step(step.sighting, self._scenes.scene(step.context))
        turn = step.sighting.turn
        return {"part": text and turn and hidden_text(text, step.sighting.session_id, turn, after=step.part_ids)}

    async def _event(self, params: dict[str, object]) -> None:
        event = Event.model_validate(params).root
        if isinstance(event, MessageEvent):
            self._stored_prompts.message_stored(event.info)
            return
        if isinstance(event, PartEvent):
            self._stored_prompts.part_stored(event.part.session_id, event.part.message_id, event.part.id)
            return
        if isinstance(event, DeletedEvent):
            await self._upkeep.deleted(event.info, OpenCodeClient(self._http, event.directory))
            return
        if isinstance(event, RemovedEvent):
            client = OpenCodeClient(self._http, event.directory)
            await self._upkeep.message_removed(event.session_id, event.message_id, client)
            return
        session_id = event.context.session_id
        if event.type == "session.error":
            self._watch.failed(session_id, is_overflow=event.is_overflow)
            if event.is_escape:
                self._typed.stopped(session_id)
            else:
                self._typed.failed(session_id, event.reason, is_overflow=event.is_overflow)
            if not event.is_overflow:
                return
        scene = self._scenes.scene(event.context)
        await self._vocabulary_loaded()
        if event.type != "session.idle":
            await self._typed.waits(event.reason, scene)
            return
        await self._typed.ended(scene)
        await self._watch.idle(event.sighting, scene)
        await self._upkeep.turn_ended(scene)

    async def _session_compacting(self, params: dict[str, object]) -> dict[str, list[str]]:
        scene = self._scenes.scene(InSession.model_validate(params).context)
        await self._vocabulary_loaded()
        return {"context": [await records_of(scene, self._tokenizer)]}

    async def _session_continue(self, params: dict[str, object]) -> dict[str, bool]:
        scene = self._scenes.scene(InSession.model_validate(params).context)
        return {"enabled": not (await scene.client.session(scene.context.session_id)).is_left}

    async def _message_received(self, params: dict[str, object]) -> dict[str, Any]:
        message = ReceivedMessage.model_validate(params)
        typed = as_typed(message.text)
        trigger = find_trigger(typed, self._scenes.trigger_words())
        if trigger is None:
            return {"part": None}
        scene = self._scenes.scene(ToolContext(session_id=message.session_id, directory=message.directory))
        go_on(self._older_words.read_ahead(scene))
        told = await self._typed.received(trigger, message.message_id, scene)
        part = hidden_text(told, message.session_id, message.message_id, after=message.part_ids)
        # Others may rewrite what was typed; the handoff is made of what came.
        return {"part": part | {"metadata": {"handoff": {"typed": typed}}}}

    async def _shutdown(self, _params: dict[str, object]) -> None:
        self.connection.stop()

    async def _carry(self, request: dict[str, Any]) -> object:
        return await self.connection.request("http/request", request, timeout_s=HOST_TIMEOUT_S)

    def _load(self) -> None:
        """Load the vocabulary, and keep Python's garbage collector from going through what is there to stay.

        It took 12 to 27 ms for that, every few handoffs in the middle of one.
        """
        self._tokenizer.load()
        gc.collect()
        gc.freeze()

    async def _vocabulary_loaded(self) -> None:
        if self._vocabulary is not None:
            await asyncio.shield(self._vocabulary)

    def _is_heard(self) -> bool:
        return not self.connection.is_lost

    async def _look_for_update(self, directory: str) -> None:
        """Once a day, in the background, and never a reason for anything else to fail."""
        await asyncio.sleep(UPDATE_DELAY_S)
        from handoff_sidecar.installation.daily import look_once_a_day  # noqa: PLC0415  # not needed to be ready
        from handoff_sidecar.installation.origin import find_origin  # noqa: PLC0415  # as above

        how = self._scenes.own_settings().auto_update
        if how == "off" or not find_origin().follows_index:
            return
        message = await look_once_a_day(cache_folder(), how, self._now())
        if message:
            await notify(OpenCodeClient(self._http, directory), message)


def _output_tokens_max() -> int:
    """The longest answer that OpenCode asks a model for, which decides when it compacts."""
    given = os.environ.get("OPENCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX", "")
    return int(given) if given.isdecimal() and int(given) > 0 else OUTPUT_TOKENS_MAX
