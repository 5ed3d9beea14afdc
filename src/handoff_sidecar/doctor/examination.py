"""All checks in their order, the cheap ones first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from handoff_sidecar.doctor import environment, plugin
from handoff_sidecar.doctor.findings import Finding
from handoff_sidecar.installation.origin import find_origin
from handoff_sidecar.installation.releases import find_installers


def examine(*, config: Path, project: Path, now: datetime, live: bool) -> Iterator[Finding]:
    """The findings, each as soon as it is there; `live` adds a handoff in a real OpenCode."""
    origin = find_origin()
    yield environment.program(origin)
    yield environment.updates(config, origin, find_installers())
    yield environment.opencode()
    yield environment.opencode_config(config)
    yield environment.npm_install(config)
    yield from plugin.plugin_file(config)
    yield plugin.companion(config)
    yield from environment.settings(config, project)
    yield from environment.folders()
    yield environment.search_index(config)
    yield environment.prompts_of_others()
    yield environment.latest_crash(now)
    yield environment.tokenizer()
    yield plugin.round_trip(config)
    if live:
        from handoff_sidecar.doctor.live import handoff  # noqa: PLC0415  # the demonstration, which others don't need

        yield handoff()
