"""Which agent and model the new session gets.

Those of the old session, unless the user named others: these are checked, as OpenCode takes any name and fails later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.errors import HandoffFailed, HandoffSidecarError, InvalidArguments, OpenCodeError
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Agent, Model
from handoff_sidecar.session.facts import Facts
from handoff_sidecar.session.successor import Wish, agent_named, may_name_another, model_named, read_wish
from handoff_sidecar.text.plain_text import unquoted


@dataclass(frozen=True, slots=True)
class Target:
    """The agent and model to ask OpenCode for; None leaves the choice to it.

    Attributes:
        is_to_build: the work goes from an agent that may not edit files to one that may.
    """

    agent: str | None
    model: Model | None
    is_to_build: bool = False


async def target_of(notes: Notes, facts: Facts, client: OpenCodeClient, *, name: str, retry: str) -> Target:
    """The target of a handoff; costs no call unless the user named something.

    Args:
        name: what fails if this fails.
        retry: what the reader of an error can do, once it is corrected.

    Raises:
        InvalidArguments: there is no such agent or model; the message lists those there are.
        HandoffFailed: that could not be found out.
    """
    if notes.agent is None and notes.model is None:
        return Target(facts.agent, facts.model)
    with _told(InvalidArguments, name, f"Leave them out and {retry}", retry):
        (old, agent), model = await asyncio.gather(
            _agents(facts.agent, notes.agent, client), _model(notes.model, client)
        )
    if model is None:
        # An agent's own model comes with it; the same agent keeps what the person chose.
        changed = agent is not None and agent.name != facts.agent
        model = agent.model if agent is not None and agent.model is not None and changed else facts.model
    elif facts.model is not None and str(model) == f"{facts.model.provider_id}/{facts.model.model_id}":
        model = facts.model
    is_to_build = old is not None and agent is not None and not old.may_edit and agent.may_edit
    return Target(agent.name if agent else facts.agent, model, is_to_build)


async def wish_of(text: str, client: OpenCodeClient, *, name: str, retry: str) -> Wish:
    """What the user wants next, and who is to do it; costs no call unless the text may name somebody.

    Args:
        text: what they typed after the trigger, or after a command.
        name: what fails if this fails.
        retry: what they can do then.

    Raises:
        HandoffFailed: there is no such agent or model, and the message lists those there are; or it can't be seen.
    """
    if not may_name_another(text):
        return Wish(unquoted(text))
    with _told(HandoffFailed, name, f"Leave them out, or {retry}", retry):
        agents, models = await asyncio.gather(client.agents(), client.models())
        return read_wish(text, [agent.name for agent in agents if agent.can_lead], [str(model) for model in models])


@contextmanager
def _told(unknown: type[HandoffSidecarError], name: str, otherwise: str, retry: str) -> Iterator[None]:
    """Raise what was wrong as an error that says what failed, and what to do."""
    try:
        yield
    except OpenCodeError as error:
        raise HandoffFailed(
            f"{name}: the agent and model could not be checked ({error}). Nothing was made. {otherwise}."
        ) from error
    except InvalidArguments as error:
        raise unknown(f"{name}: {error}, and {retry}.") from error


async def _agents(old: str | None, name: str | None, client: OpenCodeClient) -> tuple[Agent | None, Agent | None]:
    """The agent that worked here, if it is known, and the one that is wanted."""
    if name is None:
        return None, None
    there_are = await client.agents()
    agents = {agent.name: agent for agent in there_are if agent.can_lead}
    return next((agent for agent in there_are if agent.name == old), None), agents[agent_named(name, list(agents))]


async def _model(name: str | None, client: OpenCodeClient) -> Model | None:
    if name is None:
        return None
    models = {str(model): model for model in await client.models()}
    return models[model_named(name, list(models))]
