"""The texts of passages, cut again from the messages that a store keeps."""

from __future__ import annotations

from handoff_sidecar.search.passages import Passage, passages_of
from handoff_sidecar.search.store import Store


class Texts:
    """Looks passages up; for one search, as it keeps what it has cut."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cut: dict[int, list[Passage]] = {}

    def passage(self, first: int, place: int) -> Passage:
        """A passage of the message whose first row this is."""
        if first not in self._cut:
            self._cut[first] = passages_of(self._store.record_at(first))
        return self._cut[first][place]
