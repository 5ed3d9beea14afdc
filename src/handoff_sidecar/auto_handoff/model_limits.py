"""Each model's context limits, by directory: asked of OpenCode once and kept.

Owns what of OpenCode's provider list and configuration is kept. What follows from it is `threshold`'s.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from handoff_sidecar.auto_handoff.threshold import Points, points_of
from handoff_sidecar.call.recent import Recent
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.limits import CompactionConfig, ModelLimits
from handoff_sidecar.settings import Settings

REMEMBERED_DIRECTORIES = 50
"""A provider list holds thousands of models. Directories that were dropped are asked for again."""

ModelKey = tuple[str, str]
"""Provider id and model id."""


@dataclass(frozen=True, slots=True)
class DirectoryModels:
    """The models available in a directory, and how OpenCode compacts there."""

    limits: dict[ModelKey, ModelLimits]
    compaction: CompactionConfig
    output_max: int

    def knows_limit_of(self, model: ModelKey) -> bool:
        """Whether the model's context limit is known."""
        return self._of(model).context > 0

    def points(self, model: ModelKey, settings: Settings) -> Points | None:
        """The points at which we act in a session with this model; None if there are none."""
        return points_of(
            self._of(model),
            self.compaction,
            percent=settings.auto_handoff_threshold,
            warn_before=settings.warn_before,
            output_max=self.output_max,
        )

    def floor(self, model: ModelKey, settings: Settings) -> int | None:
        """The number of tokens from which a session with this model is watched; None if it never is.

        With a threshold set, a model with an unknown limit is watched at once, so that the user is told.
        """
        if not self.knows_limit_of(model):
            return 0 if settings.auto_handoff_threshold else None
        points = self.points(model, settings)
        return points.first if points else None

    def floors(self, settings: Settings) -> dict[str, int]:
        """The floor of every model that has one, by `provider/model`."""
        floors = {"/".join(model): self.floor(model, settings) for model in self.limits}
        return {model: floor for model, floor in floors.items() if floor is not None}

    def shown(self, settings: Settings) -> dict[str, tuple[int | None, int | None]]:
        """Of every model with a point, by `provider/model`: where OpenCode compacts, and where it is handed off."""
        points = {"/".join(model): self.points(model, settings) for model in self.limits}
        return {model: (each.compaction, each.handoff) for model, each in points.items() if each is not None}

    def _of(self, model: ModelKey) -> ModelLimits:
        return self.limits.get(model, ModelLimits())


class Capacity:
    """The rooms by directory."""

    def __init__(self, output_max: int) -> None:
        self._output_max = output_max
        self._rooms: Recent[str, DirectoryModels] = Recent(REMEMBERED_DIRECTORIES)

    async def load(self, client: OpenCodeClient) -> DirectoryModels:
        """The room in the client's directory as OpenCode tells it now.

        Raises:
            OpenCodeError: the provider list or the configuration could not be had.
        """
        limits, compaction = await asyncio.gather(client.model_limits(), client.compaction_config())
        room = self._rooms[client.directory] = DirectoryModels(limits, compaction, self._output_max)
        return room

    async def room(self, client: OpenCodeClient) -> DirectoryModels:
        """The room as it was told last, or as `load` gives it."""
        return self._rooms.get(client.directory) or await self.load(client)
