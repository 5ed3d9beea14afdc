"""What the shim registers with OpenCode: the source of `plugin-shim/tools.json`.

`python -m handoff_sidecar.sidecar.manifest` prints it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from handoff_sidecar.handoff.definition import (
    HANDOFF_COMMAND,
    HANDOFF_NOW_COMMAND,
    HANDOFF_RESUME_COMMAND,
    SESSION_HANDOFF,
)
from handoff_sidecar.opencode.versions import OLDEST
from handoff_sidecar.reading.definition import READ_SESSION
from handoff_sidecar.session.neighbours import WRITTEN_BY_A_PLUGIN
from handoff_sidecar.session.trigger import pattern

PROTOCOL_VERSION = 1
"""Raised whenever shim and sidecar of different versions could misunderstand each other."""

DEFINITIONS = (SESSION_HANDOFF, READ_SESSION)


def manifest() -> dict[str, Any]:
    """What the shim registers with OpenCode, as `plugin-shim/tools.json` holds it."""
    source, flags = pattern()
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "tools": [
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in DEFINITIONS
        ],
        "commands": [HANDOFF_COMMAND, HANDOFF_NOW_COMMAND, HANDOFF_RESUME_COMMAND],
        "triggerPattern": {"source": source, "flags": flags},
        "signedByAPlugin": {"source": WRITTEN_BY_A_PLUGIN, "flags": "u"},
        "openCode": {"oldest": str(OLDEST)},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n")
