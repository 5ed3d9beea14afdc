"""The commands `/handoff-now` and `/handoff-draft`: an immediate handoff, with the computed brief and no model call.

For a full context, a provider that is down, or a user in a hurry. Automatic handoffs use it too if the agent does
not hand off.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from handoff_sidecar.brief.computed import computed_notes, requests_of
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.call.context import Scene, ToolResult
from handoff_sidecar.errors import InvalidArguments, NothingToHandOff
from handoff_sidecar.handoff.agent_and_model import wish_of
from handoff_sidecar.handoff.delivery.old_session import end_turn
from handoff_sidecar.handoff.gathering.gather import Gathered
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.session.persons import own_words
from handoff_sidecar.session.successor import Wish
from handoff_sidecar.session.trigger import is_option
from handoff_sidecar.text.plain_text import unquoted

log = logging.getLogger(__name__)

NOTHING = "There is nothing to hand off: this session has no messages yet."


class HandoffNow:
    """One of the commands, with what it needs.

    Args:
        name: as it is typed.
        is_draft: whether the prompt is put into the new session's input box, whatever the settings say.
    """

    def __init__(self, session_handoff: SessionHandoff, name: str = "/handoff-now", *, is_draft: bool = False) -> None:
        self._session_handoff = session_handoff
        self._name = name
        self._retry = f"type `{name}` again"
        self._is_draft = is_draft

    async def __call__(self, wanted: str, scene: Scene) -> ToolResult:
        """End the session's running turn, then hand the session off.

        Args:
            wanted: what the person typed after the command, see `read_wish`.

        Raises:
            InvalidArguments: there is no such option; the message says what there is.
            NothingToHandOff: the session is empty.
            HandoffFailed: there is nobody of that name; or says what was left behind and where the brief is.
        """
        if is_option(wanted):
            raise InvalidArguments(
                f"{self._name} has no option {wanted.strip()}. Nothing was handed off. Type the command again, with "
                "a goal or alone."
            )
        if self._is_draft:
            scene = replace(scene, settings=scene.settings.model_copy(update={"delivery": "draft"}))
        wish = await wish_of(wanted, scene.client, name=self._name, retry=self._retry)
        error = await end_turn(scene.client, scene.context.session_id)
        return await self._session_handoff.hand_off(lambda gathered: self._planned(wish, gathered, error), scene)

    def _planned(self, wish: Wish, gathered: Gathered, error: str) -> tuple[Notes, Handoff]:
        if not gathered.messages and not gathered.missing:
            raise NothingToHandOff(NOTHING)
        notes, handoff = computed(gathered, wish.goal, error)
        wanted = {
            # Without a goal there is nothing for a model to do: the prompt waits there for the person. One that the
            # person names may answer where the old one did not.
            "reply": (handoff.reply or wish.model is not None) and bool(wish.goal or wish.agent),
            "again": True,
            "announcement": "Handed off without a model call",
            "name": self._name,
            "retry": self._retry,
        }
        return notes.model_copy(update={"agent": wish.agent, "model": wish.model}), handoff.model_copy(update=wanted)


def computed(gathered: Gathered, goal: str = "", error: str = "") -> tuple[Notes, Handoff]:
    """Computed notes, and a handoff whose agent answers, unless the provider failed at the end of this session.

    Args:
        error: what the provider says just now, if it fails.
    """
    messages = gathered.messages
    requests = requests_of(messages)
    wanted = {
        "topic": unquoted(own_words(requests[-1])) if requests else "",
        "reply": not error and not (messages and messages[-1].provider_failed),
    }
    notes = computed_notes(messages, goal or None, error=error)
    return notes, gathered.handoff.model_copy(update=wanted)
