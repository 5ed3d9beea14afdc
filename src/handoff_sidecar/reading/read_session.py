"""The tool `read_session`: what was said and done before, in the previous session or another one.

Owns the order of the steps, from arguments to an answer or an error that says how to go on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from handoff_sidecar.call.context import Scene, ToolResult
from handoff_sidecar.call.tool import check_arguments
from handoff_sidecar.errors import (
    BadQuery,
    HandoffSidecarError,
    IndexBusy,
    IndexReplaced,
    InvalidArguments,
    OpenCodeError,
    OpenCodeRefused,
    ToolFailed,
)
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.requests import NOT_FOUND
from handoff_sidecar.reading.all_sessions import ProjectSearch
from handoff_sidecar.reading.answer import Answer, Room
from handoff_sidecar.reading.definition import READ_SESSION, ReadSession
from handoff_sidecar.reading.one_session import Reader
from handoff_sidecar.reading.search_index import SearchIndex
from handoff_sidecar.reading.which_session import Addressing
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.text.redaction import redaction
from handoff_sidecar.text.tokens import Tokenizer

ALL = "all"


class ReadSessionTool:
    """The tool, with what it needs; one for the whole process."""

    def __init__(self, *, journal: Journal, tokenizer: Tokenizer, now: Callable[[], datetime], upkeep: Upkeep) -> None:
        self._journal = journal
        self._now = now
        self._tokenizer = tokenizer
        self._upkeep = upkeep

    async def __call__(self, arguments: dict[str, Any], scene: Scene) -> ToolResult:
        """The record of the previous session, or of another one of the same project.

        Raises:
            InvalidArguments: nothing was read.
            ToolFailed: there is no such session, or it is not to be read from here.
        """
        asked = check_arguments(READ_SESSION.name, ReadSession, arguments)
        room = Room(scene.settings.read_token_budget, self._tokenizer)
        manner = Manner(room, redaction(wanted=scene.settings.redact_secrets), scene.context.root)
        try:
            answer = await self._answer(asked, scene, manner)
        except BadQuery as error:
            raise InvalidArguments(f"read_session: {error}. Correct the `query` and call again.") from error
        except OpenCodeRefused as error:
            if error.status != NOT_FOUND:
                raise _failed(error) from error
            raise ToolFailed(
                f"read_session: the session was deleted while it was being read ({error}). Call read_session again to "
                "see which ones there are, or go on without."
            ) from error
        except (OpenCodeError, IndexBusy, IndexReplaced) as error:
            raise _failed(error) from error
        return ToolResult(
            title=answer.title,
            output=answer.for_model(),
            metadata={**answer.data, "messages": len(answer.blocks)},
        )

    async def _answer(self, asked: ReadSession, scene: Scene, manner: Manner) -> Answer:
        client = scene.client
        addressing = Addressing(
            await client.session(scene.context.session_id),
            client,
            journal=self._journal,
            now=self._now,
            allow_other_projects=scene.settings.allow_other_projects,
        )
        index = SearchIndex(self._upkeep, is_kept=scene.settings.index)
        if asked.session_id is not None and asked.session_id.lower() == ALL:
            return await ProjectSearch(index).read(addressing.here, asked, client, manner, addressing.age)
        return await Reader(index).read(await addressing.wanted(asked.session_id), asked, client, manner)


def _failed(error: HandoffSidecarError) -> ToolFailed:
    return ToolFailed(f"read_session failed: {error}. Call it again, or go on without.")
