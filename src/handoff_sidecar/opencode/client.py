"""A typed client for the part of OpenCode's HTTP API that a handoff needs.

Owns endpoints and shapes of the API; does not know how requests travel (see `requests`), nor what they are for.
Endpoints as OpenCode 1.15.13 to 1.18.33 have them (`GET /doc`).
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any, Literal

from handoff_sidecar.errors import OpenCodeRefused
from handoff_sidecar.opencode.limits import CompactionConfig, Config, ModelLimits, Providers
from handoff_sidecar.opencode.messages import OURS, Message
from handoff_sidecar.opencode.models import (
    Agent,
    Health,
    MessageID,
    Model,
    Paths,
    Session,
    SessionID,
    SessionStatus,
    Statuses,
    Todo,
)
from handoff_sidecar.opencode.replies import parse, parse_list
from handoff_sidecar.opencode.requests import NOT_FOUND, Requests, checked, path_of
from handoff_sidecar.opencode.tunnel import ATTACH_HEADER, LEAVES_HEADER

TOAST_TITLE = "Handoff"


def cursor_at(message_id: str, created: float) -> str:
    """The cursor that brings the messages before this one, as OpenCode itself makes it (seen in 1.18.33).

    OpenCode does not look whether a cursor is of the session that it is given for.
    """
    position = json.dumps({"id": message_id, "time": int(created)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages, oldest first, the cursor that brings the ones before them, if there are any, and how long it took."""

    messages: list[Message]
    before: str | None
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A text part of a prompt; a synthetic one reaches the model and is not shown in the TUI.

    Attributes:
        beginning: kept with it, for ourselves: no model sees it.
    """

    text: str
    synthetic: bool = False
    beginning: dict[str, Any] | None = None


class OpenCodeClient(Requests):
    """OpenCode's API for the sessions of one directory; without one, of that in which a server was started.

    Every method raises OpenCodeUnreachable, OpenCodeRefused or OpenCodeGarbled, and nothing else of its own.
    """

    async def version(self) -> str | None:
        """OpenCode's version as it names it itself."""
        return parse(Health, *await self.get("/global/health")).version

    async def session(self, session_id: SessionID) -> Session:
        """The session with this id; an unknown one is refused with status 404."""
        return parse(Session, *await self.get(path_of(session_id)))

    async def session_if_there(self, session_id: SessionID) -> Session | None:
        """The session with this id, or None if there is none, or none any more."""
        try:
            return await self.session(session_id)
        except OpenCodeRefused as error:
            if error.status != NOT_FOUND:
                raise
            return None

    async def sessions(self, limit: int) -> list[Session]:
        """The newest sessions of the directory's project, latest update first."""
        return parse_list(Session, *await self.get("/session", {"limit": limit}))

    async def messages(self, session_id: SessionID, *, limit: int, before: str | None = None) -> MessagePage:
        """The newest `limit` messages, or those before a cursor, oldest first."""
        query: dict[str, str | int] = {"limit": limit}
        if before is not None:
            query["before"] = before
        started = time.monotonic()
        endpoint, response = await self.get(f"{path_of(session_id)}/message", query)
        took_s = time.monotonic() - started
        return MessagePage(
            parse_list(Message, endpoint, response), response.headers.get("x-next-cursor") or None, took_s
        )

    async def message(self, session_id: SessionID, message_id: MessageID) -> Message:
        """One message; one that is not of this session is refused with status 404."""
        return parse(Message, *await self.get(f"{path_of(session_id)}/message/{checked(message_id)}"))

    async def todos(self, session_id: SessionID) -> list[Todo]:
        """The session's todo list, in the order in which the agent keeps it."""
        return parse_list(Todo, *await self.get(f"{path_of(session_id)}/todo"))

    async def worktree(self) -> str | None:
        """The top folder of the repository that the directory is in, or None outside one."""
        worktree = parse(Paths, *await self.get("/path")).worktree
        return worktree if worktree not in {"", "/"} else None

    async def agents(self) -> list[Agent]:
        """Every agent of the project, OpenCode's own hidden ones included."""
        return parse_list(Agent, *await self.get("/agent"))

    async def models(self) -> list[Model]:
        """Every model of the providers that are configured."""
        found = parse(Providers, *await self.get("/config/providers"))
        return [
            Model(provider_id=provider.id, model_id=model) for provider in found.providers for model in provider.models
        ]

    async def model_limits(self) -> dict[tuple[str, str], ModelLimits]:
        """The limits of every model that can be used here, by provider and model id."""
        answer = parse(Providers, *await self.get("/config/providers"))
        return {
            (provider.id, name): model.limit for provider in answer.providers for name, model in provider.models.items()
        }

    async def compaction_config(self) -> CompactionConfig:
        """How OpenCode is configured to compact here."""
        return parse(Config, *await self.get("/config")).compaction

    async def status(self, session_id: SessionID) -> SessionStatus:
        """What the session is doing right now; OpenCode lists only those that do something."""
        return parse(Statuses, *await self.get("/session/status")).root.get(session_id, SessionStatus())

    async def is_any_busy(self) -> bool:
        """Whether a turn is under way in any session of the directory."""
        statuses = parse(Statuses, *await self.get("/session/status")).root
        return any(status.is_busy for status in statuses.values())

    async def running_subagents(self, session_id: SessionID) -> list[Session]:
        """The subagents' sessions of this one in which a turn is under way."""
        busy = parse(Statuses, *await self.get("/session/status")).root.keys() - {session_id}
        if not busy:
            return []
        endpoint, response = await self.get(f"{path_of(session_id)}/children")
        return [child for child in parse_list(Session, endpoint, response) if child.id in busy]

    async def abort(self, session_id: SessionID) -> None:
        """End the session's running turn, if there is one."""
        await self.request("POST", f"{path_of(session_id)}/abort", body={})

    async def create_session(
        self,
        *,
        title: str,
        agent: str | None,
        model: Model | None,
        permission: list[dict[str, Any]],
        metadata: dict[str, Any],
    ) -> Session:
        """A new session of its own: no parent, or OpenCode would take it for a subagent's and hide it."""
        body: dict[str, Any] = {"title": title, "metadata": metadata}
        if permission:
            body["permission"] = permission
        if agent is not None:
            body["agent"] = agent
        if model is not None:
            body["model"] = {"id": model.model_id, "providerID": model.provider_id}
            if model.variant is not None:
                body["model"]["variant"] = model.variant
        return parse(Session, *await self.request("POST", "/session", body=body))

    async def prompt(  # noqa: PLR0913  # what OpenCode takes, each by its name
        self,
        session_id: SessionID,
        parts: list[PromptPart],
        *,
        agent: str | None,
        model: Model | None,
        reply: bool,
        attached_to: tuple[SessionID, str] | None = None,
    ) -> None:
        """Place a user message and, with `reply`, let the agent answer it.

        `attached_to` is a session and a message of it: what is attached there goes along, through the tunnel alone.

        OpenCode accepts at once and says 204 even if it then stores nothing (an unknown agent): read it back.
        """
        body: dict[str, Any] = {
            "parts": [
                {
                    "type": "text",
                    "text": part.text,
                    "synthetic": part.synthetic,
                    "metadata": {"handoff": {"by": OURS, **({"beginning": part.beginning} if part.beginning else {})}},
                }
                for part in parts
            ]
        }
        if not reply:
            body["noReply"] = True
        if agent is not None:
            body["agent"] = agent
        if model is not None:
            body["model"] = {"providerID": model.provider_id, "modelID": model.model_id}
            if model.variant is not None:
                body["variant"] = model.variant
        headers = {ATTACH_HEADER: f"{path_of(attached_to[0])}/message/{attached_to[1]}"} if attached_to else {}
        await self.request("POST", f"{path_of(session_id)}/prompt_async", body=body, headers=headers)

    async def set_metadata(self, session_id: SessionID, metadata: dict[str, Any]) -> None:
        """Replace the session's metadata whole: merge with what was read before."""
        await self.request("PATCH", path_of(session_id), body={"metadata": metadata})

    async def delete_session(self, session_id: SessionID) -> None:
        """Remove a session and its messages."""
        await self.request("DELETE", path_of(session_id))

    async def select_session(self, session_id: SessionID, *, leaving: SessionID) -> None:
        """Show a session in place of the one that is left.

        Where windows have a companion, in those that show that one; refused where each shows another. Elsewhere in
        every attached TUI; succeeds without a TUI too.
        """
        await self.request(
            "POST", "/tui/select-session", body={"sessionID": session_id}, headers={LEAVES_HEADER: leaving}
        )

    async def append_to_input(self, text: str) -> None:
        """Type text into the input box of every attached TUI. Succeeds without a TUI too."""
        await self.request("POST", "/tui/append-prompt", body={"text": text})

    async def open_session_picker(self) -> None:
        """Open the session list in every attached TUI. Succeeds without a TUI too."""
        await self.request("POST", "/tui/open-sessions", body={})

    async def show_toast(
        self,
        message: str,
        *,
        variant: Literal["info", "success", "warning", "error"],
        duration_ms: int = 5_000,
        title: str = TOAST_TITLE,
    ) -> None:
        """Show a notice in every attached TUI, for as long as that. Succeeds without a TUI too."""
        toast = {"title": title, "message": message, "variant": variant, "duration": duration_ms}
        await self.request("POST", "/tui/show-toast", body=toast)
