"""The calls of tools and commands: what each came to is told and logged here, whichever it was.

What a tool or a command does is elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from handoff_sidecar.call.background import go_on
from handoff_sidecar.call.context import Scene, ToolResult
from handoff_sidecar.call.scenes import Scenes
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.errors import (
    HandoffSidecarError,
    InvalidArguments,
    NothingToHandOff,
    OpenCodeError,
    ToolFailed,
    kind_of,
)
from handoff_sidecar.handoff.definition import SESSION_HANDOFF
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.rpc.errors import RpcError
from handoff_sidecar.rpc.messages import ErrorCode
from handoff_sidecar.sidecar.params import CommandCall, ToolCallParams

log = logging.getLogger(__name__)

Tool: TypeAlias = Callable[[dict[str, Any], Scene], Awaitable[ToolResult]]
Command: TypeAlias = Callable[[str, Scene], Awaitable[ToolResult]]


class Calls:
    """Calls tools and commands by their names.

    `get_ready` is waited for before each.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        commands: Mapping[str, Command],
        scenes: Scenes,
        upkeep: Upkeep,
        get_ready: Callable[[], Awaitable[None]],
    ) -> None:
        self._tools = tools
        self._commands = commands
        self._scenes = scenes
        self._upkeep = upkeep
        self._get_ready = get_ready

    async def command_execute(self, params: dict[str, object]) -> dict[str, Any]:
        """`command/execute`."""
        call = CommandCall.model_validate(params)
        command = self._commands.get(call.name)
        if command is None:
            raise RpcError(ErrorCode.INVALID_PARAMS, f"there is no command {call.name}")
        log.info("/%s in %s", call.name, call.context.session_id)
        scene = self._scenes.scene(call.context)
        try:
            await self._get_ready()
            result = await command(call.arguments, scene)
        except HandoffSidecarError as error:
            log.warning("/%s in %s failed: %s", call.name, call.context.session_id, kind_of(error))
            log.debug("%s", error)
            told = str(error)
            if isinstance(error, OpenCodeError):  # in the middle of it
                told = f"/{call.name} failed: {told}. Part of it may have been done: look which session you are in."
            # Who asks over HTTP sees the toast's event alone: OpenCode answers 500 however a command ended (1.18.34).
            await notify(scene.client, told, "warning" if isinstance(error, NothingToHandOff) else "error")
            return {"done": False, "text": told}
        log.info("/%s in %s made %s", call.name, call.context.session_id, result.metadata.get("sessionID"))
        go_on(self._upkeep.turn_ended(scene))  # the new session will look things up in this one
        return {"done": True, "text": result.output.splitlines()[0]}

    async def tool_call(self, params: dict[str, object]) -> dict[str, Any]:
        """`tool/call`."""
        call = ToolCallParams.model_validate(params)
        tool = self._tools.get(call.name)
        if tool is None:
            raise RpcError(ErrorCode.INVALID_PARAMS, f"there is no tool {call.name}")
        log.info("%s: call %s in %s", call.name, call.context.call_id, call.context.session_id)
        scene = self._scenes.scene(call.context)
        try:
            await self._get_ready()
            result = await tool(call.arguments, scene)
        except HandoffSidecarError as error:
            log.warning("%s: call %s failed: %s", call.name, call.context.call_id, kind_of(error))
            log.debug("%s", error)
            told = call.with_id(str(error))
            if not isinstance(error, InvalidArguments):  # those the model corrects and calls again
                await notify(scene.client, told, "error")
            raise ToolFailed(told) from error
        hands_off = call.name == SESSION_HANDOFF.name
        if hands_off:
            go_on(self._upkeep.turn_ended(scene))
        did = "made" if hands_off else "read"
        log.info("%s: call %s %s %s", call.name, call.context.call_id, did, result.metadata.get("sessionID"))
        return result.model_dump()
