"""All that the shim has from here: the source of `plugin-shim/tools.json`.

`python -m handoff_sidecar.sidecar.manifest` prints it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from handoff_sidecar import __version__
from handoff_sidecar.auto_handoff.threshold import TOKEN_PARTS
from handoff_sidecar.call import toasts
from handoff_sidecar.handoff.definition import COMMANDS, SESSION_HANDOFF
from handoff_sidecar.opencode.client import TOAST_TITLE
from handoff_sidecar.opencode.endpoints import ENDPOINTS
from handoff_sidecar.opencode.models import MESSAGE_ID, SESSION_ID
from handoff_sidecar.opencode.versions import SIGN_OF_A_NEW_ONE
from handoff_sidecar.reading.definition import READ_SESSION
from handoff_sidecar.rpc.connection import MAX_FRAME_BYTES
from handoff_sidecar.rpc.messages import ErrorCode
from handoff_sidecar.session.neighbours import IN_FRONT, WRITTEN_BY_A_PLUGIN
from handoff_sidecar.session.trigger import pattern
from handoff_sidecar.sidecar.shim_limits import (
    SIDECARS_ENVIRONMENT,
    SMALL_SESSION_TOKENS,
    TOOLS_THAT_DELEGATE,
    TOOLS_THAT_LOOK,
    WAIT_MS,
)
from handoff_sidecar.sidecar.shim_sentences import FAILURES, SENTENCES

PROTOCOL_VERSION = 1
"""Raised whenever shim and sidecar of different versions could misunderstand each other."""

DEFINITIONS = (SESSION_HANDOFF, READ_SESSION)


def manifest() -> dict[str, Any]:
    """Tools, commands, limits and sentences, as `plugin-shim/tools.json` holds them."""
    source, flags = pattern()
    return {
        "version": __version__,
        "protocolVersion": PROTOCOL_VERSION,
        "tools": [
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in DEFINITIONS
        ],
        "commands": list(COMMANDS),
        "triggerPattern": {"source": source, "flags": flags},
        "putInFront": {"source": rf"^\s*{IN_FRONT}", "flags": "u"},
        "signedByAPlugin": {"source": WRITTEN_BY_A_PLUGIN, "flags": "u"},
        "maker": SESSION_HANDOFF.name,
        "toolsThatLook": list(TOOLS_THAT_LOOK),
        "toolsThatDelegate": list(TOOLS_THAT_DELEGATE),
        "endpoints": list(ENDPOINTS),
        "signOfANewOpenCode": SIGN_OF_A_NEW_ONE,
        "ids": {"session": SESSION_ID, "message": MESSAGE_ID},
        "tokenParts": list(TOKEN_PARTS),
        "smallSessionTokens": SMALL_SESSION_TOKENS,
        "toast": {
            "title": TOAST_TITLE,
            "shortestMs": toasts.SHORTEST_MS,
            "longestMs": toasts.LONGEST_MS,
            "characterMs": toasts.READING_MS_A_CHARACTER,
        },
        "waitMs": WAIT_MS,
        "sidecarsEnvironment": SIDECARS_ENVIRONMENT,
        "maxFrameBytes": MAX_FRAME_BYTES,
        "errorCodes": {code.name: code.value for code in ErrorCode},
        "failures": FAILURES,
        "sentences": SENTENCES,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n")
