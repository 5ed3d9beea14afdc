"""Makes each call's scene: its client, and the settings as they are at that moment.

Decides when settings are read, and reports each problem with them once. `settings` knows what they mean.
"""

from __future__ import annotations

import logging
from pathlib import Path

import httpx

from handoff_sidecar.call.background import go_on
from handoff_sidecar.call.context import Mode, SaidIn, Scene, ToolContext, nothing_said
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.session.trigger import TRIGGER_WORDS
from handoff_sidecar.settings import Settings, load_settings

log = logging.getLogger(__name__)

MAX_PROBLEMS_TOLD = 1_000
"""Bounds the memory if a settings file changes all the time."""


class Scenes:
    """Makes scenes; one instance serves the whole process.

    Attributes:
        mode: how OpenCode was started, once the shim has said so.
    """

    def __init__(self, http: httpx.AsyncClient, config: Path, said_in: SaidIn = nothing_said) -> None:
        self.mode: Mode = "other"
        self._said_in = said_in
        self._http = http
        self._config = config
        self._problems_told: set[str] = set()

    def scene(self, context: ToolContext) -> Scene:
        """The scene with the current settings; the user is told of any problem with them.

        Nothing waits for that toast: a request to the model may be waiting for the scene.
        """
        client = OpenCodeClient(self._http, context.directory)
        loaded = load_settings(config=self._config, project=Path(context.root))
        untold = [problem for problem in loaded.problems if problem not in self._problems_told]
        if untold and len(self._problems_told) < MAX_PROBLEMS_TOLD:
            self._problems_told.update(untold)
            log.warning("%d problems with the settings in %s", len(untold), context.root)
            more = f" (and {len(untold) - 1} more: `handoff-sidecar doctor` lists them)" if len(untold) > 1 else ""
            go_on(notify(client, untold[0] + more, "error"))
        return Scene(context, client, loaded.settings, self.mode, self._said_in)

    def own_settings(self) -> Settings:
        """The user's own settings, which apply to all projects."""
        return load_settings(config=self._config, project=None).settings

    def trigger_words(self) -> tuple[str, ...]:
        """The trigger words, for the whole process: only the user can set them, not a project."""
        return (*TRIGGER_WORDS, *self.own_settings().trigger_words)
