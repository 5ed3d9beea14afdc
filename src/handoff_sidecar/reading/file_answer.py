"""What was done to a file, as an answer: every message that touches it, in order."""

from __future__ import annotations

from handoff_sidecar.reading.answer import Answer, Fitted
from handoff_sidecar.reading.message_blocks import about_cuts, message_block
from handoff_sidecar.reading.standing_rows import StandingRows, about_missing, about_undone
from handoff_sidecar.reading.touched import touched
from handoff_sidecar.reading.wanted import Wanted
from handoff_sidecar.search.store import Store
from handoff_sidecar.session.file_touches import Touching
from handoff_sidecar.session.files import file_named
from handoff_sidecar.text.counts import count, so_many


def answer_to_file(store: Store, stands: StandingRows, wanted: Wanted) -> Answer:
    """What was done to the file that is asked for."""
    session, asked, manner = wanted.session, wanted.asked, wanted.manner
    file = file_named(asked.file or "", manner.root)
    touching = Touching(file)
    found = touched(store, stands, touching)
    records = list(found.values())
    limit = asked.limit if "limit" in asked.model_fields_set else len(records)
    newest = records[max(0, len(records) - limit) :]
    blocks = [message_block(record, asked.detail or "tools", manner.redact, named=True) for record in newest]

    def say(fitted: Fitted) -> str:
        if not blocks:
            nothing = (
                f"{untouched(store.count(stands.rows), file)}. Try the file's name alone, or "
                f"{manner.call(session, query=touching.name)} for where it is mentioned."
            )
            return " ".join([nothing, *about_missing(stands), *about_undone(session, stands.undone)])
        said = f"What was done to `{file}`: {len(fitted.kept)} of {count(len(records), 'message')}, in order."
        earlier = len(records) - len(fitted.kept)
        if earlier > 0:
            call = manner.call(session, file=file, before=records[earlier - 1].id)
            said += f" {count(earlier, 'earlier one')}: {call}."
        left_out = [*about_missing(stands), *about_undone(session, stands.undone)]
        return " ".join([said, *left_out, *about_cuts(session, fitted, "tools", manner)])

    return manner.room.fill(wanted.answer, list(reversed(blocks)), say, last_first=True)


def untouched(messages: int, file: str) -> str:
    """That nothing touches a file, without a full stop."""
    return f"No tool call in its {so_many(messages, 'message')} names `{file}`"
