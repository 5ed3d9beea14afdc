"""What OpenCode says of room in a context: models' limits, tokens used, and how it is configured to compact.

Cut down to these fields: the answers that they come from hold a great deal more, API keys too, and none of it is
kept. Figures come from providers' lists and answers and can't be trusted: anything but a number counts as 0.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from handoff_sidecar.opencode.wire import Wire

MOST_TOKENS = 10**12
"""Sanity cap for counts from providers."""


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    if isinstance(value, float) and not math.isfinite(value):
        return 0
    return min(max(int(value), 0), MOST_TOKENS)


def _object(value: object) -> object:
    return value if isinstance(value, dict | BaseModel) else {}


Count = Annotated[int, BeforeValidator(_count)]


class CachedTokens(Wire):
    """What a provider took from its cache and put into it."""

    read: Count = 0
    write: Count = 0


class Tokens(Wire):
    """What a step has used."""

    total: Count = 0
    input: Count = 0
    output: Count = 0
    cache: Annotated[CachedTokens, BeforeValidator(_object)] = CachedTokens()


class ModelLimits(Wire):
    """A model's limits in tokens; 0 is one that OpenCode does not know."""

    context: Count = 0
    output: Count = 0
    input: Count = 0


class ModelEntry(Wire):
    """A model of a provider's list."""

    limit: Annotated[ModelLimits, BeforeValidator(_object)] = ModelLimits()


class Provider(Wire):
    """A provider and its models by id."""

    id: str
    models: dict[str, ModelEntry] = Field(default_factory=dict)


class Providers(Wire):
    """The answer of `GET /config/providers`."""

    providers: list[Provider] = Field(default_factory=list)


class CompactionConfig(Wire):
    """When OpenCode compacts: the part `compaction` of its configuration.

    Attributes:
        auto: None counts as true.
        reserved: tokens to keep free of a model's input limit; None for OpenCode's default.
    """

    auto: bool | None = None
    reserved: int | None = None


class Config(Wire):
    """The answer of `GET /config`."""

    compaction: Annotated[CompactionConfig, BeforeValidator(_object)] = CompactionConfig()
