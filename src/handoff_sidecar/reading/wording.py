"""In which manner an answer is given: how long, how redacted, and in whose words.

A model and a person at a command line call the same thing in different ways. Knows nothing of what is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from handoff_sidecar.opencode.models import Session
from handoff_sidecar.reading.answer import Room
from handoff_sidecar.reading.definition import READ_SESSION
from handoff_sidecar.text.redaction import Redact


@dataclass(frozen=True, slots=True)
class Wording:
    """How the reader of an answer writes what it names.

    Attributes:
        call: a call, from its arguments, of which the first is the session.
        argument: an argument's name.
        opening: what an error's sentence begins with.
    """

    call: Callable[[Mapping[str, object]], str]
    argument: Callable[[str], str]
    opening: str


def as_tool_call(arguments: Mapping[str, object]) -> str:
    """How the model writes the next call."""
    written = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    return f"`{READ_SESSION.name}({written})`"


FOR_A_MODEL = Wording(as_tool_call, "`{}`".format, f"{READ_SESSION.name}: ")


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is to be.

    Attributes:
        room: for the whole of it.
        redact: what every quoted text is passed through.
        root: the folder that paths are relative to.
        wording: its reader's.
    """

    room: Room
    redact: Redact
    root: str
    wording: Wording = FOR_A_MODEL

    def call(self, session: Session, **arguments: object) -> str:
        """A call that reads something else of a session."""
        return self.wording.call({"session_id": session.id, **arguments})

    def argument(self, name: str) -> str:
        """An argument's name."""
        return self.wording.argument(name)
