"""Messages as blocks of an answer, and how to get what was cut out of them."""

from __future__ import annotations

from typing import Any

from handoff_sidecar.opencode.models import Session
from handoff_sidecar.reading.answer import Block, Fitted
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.session.transcript import Detail, Record, time_of, write_record
from handoff_sidecar.text.redaction import Redact

NOTHING_SHOWN = "(nothing that was said or done)"


def message_block(record: Record, detail: Detail, redact: Redact, *, named: bool = False) -> Block:
    """A message; with its id in the heading where it is `named`."""
    body = write_record(record, detail=detail, redact=redact) or NOTHING_SHOWN
    heading = f"{record.heading} · {record.id}" if named else record.heading
    data = {"id": record.id, "role": record.role, "time": time_of(record.created)}
    return Block(record.id, heading, body, data=data)


def about_cuts(session: Session, fitted: Fitted, detail: Detail, manner: Manner) -> list[str]:
    """How to get what was cut out of messages, if something was."""
    if not fitted.has_cuts:
        return []
    shown: dict[str, Any] = {"detail": detail} if detail == "tools" else {}
    call = manner.call(session, before="ID", limit=1, **shown)
    return [f"`…[n characters]…` marks a cut; {call} returns a single message."]
