"""The store: what is appended is found, what is removed is gone, from the file too."""

import sqlite3
from pathlib import Path

import pytest

from handoff_sidecar.search.store import Store
from handoff_sidecar.session.transcript import Entry, Record

SESSION, OTHER = "ses_a", "ses_b"


def message(number: int, text: str, role: str = "assistant") -> Record:
    return Record(f"msg_{number:03}", role, number * 1_000.0, (Entry("said", "", text),))


@pytest.fixture
def store() -> Store:
    store = Store(sqlite3.connect(":memory:"))
    store.create()
    return store


def held(store: Store, term: str, session_id: str = SESSION) -> list[str]:
    rows = store.rows_of(session_id)
    assert rows is not None
    return [store.layouts_around(range(row, row + 1))[0].id for row in store.holding(term, rows)]


def test_a_word_is_found_in_all_its_forms_and_in_its_own_session_alone(store: Store) -> None:
    store.append(SESSION, [message(1, "We renamed the branches"), message(2, "nothing")])
    store.append(OTHER, [message(3, "renaming")])
    assert held(store, "rename") == ["msg_001"]
    assert held(store, "rename", OTHER) == ["msg_003"]
    assert len(store.holding("rename", store.all_rows())) == 2


def test_older_messages_that_come_later_stand_before_the_others(store: Store) -> None:
    store.append(SESSION, [message(3, "third"), message(4, "fourth")])
    store.append(SESSION, [message(1, "first"), message(2, "second")], older=True)
    store.append(SESSION, [message(5, "fifth")])
    rows = store.rows_of(SESSION)
    assert rows is not None
    assert [layout.id for layout in store.layouts(rows)] == [f"msg_{number:03}" for number in range(1, 6)]
    assert next(text.split("\n")[0] for _, text in store.texts(rows)) == "msg_005"
    assert store.passage_count(rows) == 5


def test_a_message_comes_back_as_it_was(store: Store) -> None:
    entry = Entry("tool", "- bash 'ls': completed", "command: ls", "a\nb")
    record = Record("msg_001", "assistant", 1_000.0, (entry, Entry("thought", "", "hm")))
    store.append(SESSION, [record])
    assert store.record_at(store.first_of(SESSION, "msg_001") or 0) == record


def test_what_is_read_again_takes_the_place_of_what_was_there(store: Store) -> None:
    store.append(SESSION, [message(1, "kept"), message(2, "half a sent")])
    assert store.remove_from(SESSION, "msg_002") == 1
    store.append(SESSION, [message(2, "half a sentence"), message(3, "more")])
    assert (held(store, "sent"), held(store, "sentence"), held(store, "kept")) == ([], ["msg_002"], ["msg_001"])


def test_nothing_of_a_removed_session_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma secure_delete = on")
    store = Store(connection)
    store.create()
    store.append(SESSION, [message(number, f"xylophone{number} quartz", "user") for number in range(200)])
    store.append(OTHER, [message(number, "ordinary words") for number in range(200)])
    assert b"xylophone" in path.read_bytes()
    assert store.remove_session(SESSION) == 200
    begin = True
    while store.erase_step(50, begin=begin):
        begin = False
    assert store.rows_of(SESSION) is None
    assert b"xylophone" not in path.read_bytes()
    assert len(store.holding("ordinary", store.all_rows())) == 200


def test_the_persons_words_are_told_with_what_became_of_them(store: Store) -> None:
    denied = (
        "error: The user rejected permission to use this specific tool call with the following feedback: use spaces"
    )
    store.append(
        SESSION,
        [
            message(1, "Never force-push.", "user"),
            message(2, "Understood."),
            message(3, "Fix the login.", "user"),
            Record(
                "msg_004", "assistant", 4_000.0, (Entry("tool", f"- edit 'a.ts': {denied}", "filePath: a.ts", denied),)
            ),
            message(5, "Spaces it is."),
        ],
    )
    rows = store.rows_of(SESSION)
    assert rows is not None
    rule, work, feedback = store.requests(rows)
    assert (rule.said, rule.was_acknowledged) == ("Never force-push.", True)
    assert (work.said, work.called_tools) == ("Fix the login.", True)
    assert (feedback.said, feedback.answered_characters) == ("use spaces", len("Spaces it is."))


def test_half_a_character_is_no_harm(store: Store) -> None:
    store.append(SESSION, [message(1, "zebra \ud83d here", "user")])
    assert held(store, "zebra") == ["msg_001"]
    assert store.remove_from(SESSION, "msg_001") == 1
    assert not store.holding("zebra", store.all_rows())
