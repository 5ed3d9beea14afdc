"""What is wanted of a session: one object for whatever answers it."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_sidecar.opencode.models import Session
from handoff_sidecar.reading.answer import Answer
from handoff_sidecar.reading.definition import ReadSession
from handoff_sidecar.reading.wording import Manner


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, and how it is to be told.

    Attributes:
        answer: without blocks yet.
    """

    session: Session
    asked: ReadSession
    answer: Answer
    manner: Manner
