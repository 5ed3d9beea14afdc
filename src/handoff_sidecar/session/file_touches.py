"""What was done to files: which of them a call wrote, and which calls and steps touch one."""

from __future__ import annotations

import re

from handoff_sidecar.session.transcript import Entry, Record

_NAMED = re.compile(r"(?m)^(?:filePath: |\*\*\* [A-Z]\w+ \w+: )(.*)$")
"""The lines of an input that name the files that the call is for; a text that it writes may name others."""

_OF_ONE_FILE = "filePath: "
_FILE_PATH = re.compile(rf"(?m)^{_OF_ONE_FILE}(.*)$")
_PATCH = "patchText: "
_PATCHED = ("*** Add File: ", "*** Update File: ", "*** Move to: ")


def files_written(entry: Entry) -> list[str]:
    """The paths that a call wrote, or that were found changed on disk."""
    if entry.kind == "changed":
        return entry.taken.splitlines()
    if entry.taken.startswith(_PATCH):
        return [line.partition(": ")[2] for line in entry.taken.splitlines() if line.startswith(_PATCHED)]
    named = _FILE_PATH.findall(entry.taken)
    # What is written comes before the path or after it, as the model has put them, and may have such a line too.
    return named[:1] if entry.taken.startswith(_OF_ONE_FILE) else named[-1:]


class Touching:
    """What was done to one file, by its path or the end of its path."""

    def __init__(self, file: str) -> None:
        self.name = file.rstrip("/").rpartition("/")[2]
        self._pattern = re.compile(rf"(?<![\w.-]){re.escape(file.removeprefix('./'))}(?![\w-]|\.\w)")

    def part_of(self, record: Record) -> Record | None:
        """The record with what touches the file, or None."""
        entries = tuple(entry for entry in record.entries if entry.kind == "tool" and self._touches(entry))
        if not entries:
            changed = (entry for entry in record.entries if entry.kind == "changed" and self._touches(entry))
            entries = tuple(Entry("note", f"{entry.head}: {self.name}") for entry in changed)
        return Record(record.id, record.role, record.created, entries) if entries else None

    def _touches(self, entry: Entry) -> bool:
        return any(self._pattern.search(text) for text in _NAMED.findall(entry.taken) or [entry.taken])
