from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_sidecar.errors import IndexBusy, IndexReplaced
from handoff_sidecar.search import coverage, index_file
from handoff_sidecar.search.coverage import Coverage
from handoff_sidecar.search.index_file import Index, index_path, why_no_index
from handoff_sidecar.search.store import Store
from handoff_sidecar.session.transcript import Entry, Record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return index_path(tmp_path / "cache" / "index", "prj_1")


@pytest.fixture
def index(path: Path) -> Iterator[Index]:
    index = Index(path)
    yield index
    index.close()


def add(index: Index, session_id: str, *texts: str) -> None:
    records = [
        Record(f"msg_{number:04}", "user", number * 1_000.0, (Entry("said", "", text),))
        for number, text in enumerate(texts)
    ]

    def put(db: sqlite3.Connection) -> None:
        Store(db).append(session_id, records)
        coverage.save(db, Coverage(session_id, messages=len(records)))

    index.write(put)


def add_without_end(index: Index) -> None:
    for number in range(1_000):
        add(index, f"ses_x{number}", *(f"{number} {each} words that take room" * 20 for each in range(20)))


def found(index: Index, word: str) -> int:
    return index.read(lambda db: len(Store(db).holding(word, Store(db).all_rows())))


def bytes_of(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


def test_the_file_and_what_belongs_to_it_are_its_owners_alone(index: Index, path: Path) -> None:
    add(index, "ses_a", "the port is 4821")
    modes = {each.name.removeprefix(path.name): stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_written_is_there_for_the_next_process(index: Index, path: Path) -> None:
    add(index, "ses_a", "the port is 4821")
    index.close()
    again = Index(path)
    assert found(again, "4821") == 1
    assert again.problem == ""
    again.close()


def test_two_processes_write_and_read_at_once(index: Index, path: Path) -> None:
    code = f"""
from pathlib import Path
import sys
sys.path[:0] = {sys.path!r}
from search_support import add_many
add_many(Path({str(path)!r}), "ses_b", 40)
"""
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL)
    for number in range(40):
        add(index, f"ses_{number}", f"mine {number}")
        assert found(index, "mine") == number + 1
    assert other.wait(timeout=30) == 0
    assert found(index, "theirs") == 40


def test_a_write_that_fails_in_the_middle_changes_nothing(index: Index) -> None:
    def fail(db: sqlite3.Connection) -> None:
        coverage.note_fact(db, "directory", "/home/ada")
        raise KeyError

    with pytest.raises(KeyError):
        index.write(fail)
    assert index.read(lambda db: coverage.fact(db, "directory")) == ""
    add(index, "ses_a", "and the next one works")


def test_what_was_removed_leaves_the_file_for_good(index: Index, path: Path) -> None:
    secret = [f"{letter}qx{number}vyzzyva" for number, letter in enumerate("bdfhjklmnprstvwxz")]
    for number in range(60):
        add(index, f"ses_{number}", *(f"word{number}x{each} and more of the same" for each in range(20)))
    add(index, "ses_gone", *secret)
    index.truncate_log()
    assert bytes_of(path).count(b"vyzzyva") > 0
    index.write(lambda db: Store(db).remove_session("ses_gone"))
    is_first = True
    while index.erase_step(is_first=is_first):
        is_first = False
    assert index.truncate_log()
    assert b"vyzzyva" not in bytes_of(path)
    assert b"yzzyv" not in bytes_of(path)
    assert found(index, "word7x3") == 1


def test_a_damaged_file_is_made_anew(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all, but long enough to be looked at as one" * 100)
    index = Index(path)
    assert index.problem == ""
    add(index, "ses_a", "the port is 4821")
    assert found(index, "4821") == 1
    index.close()


def test_another_versions_tables_are_made_anew(index: Index, path: Path) -> None:
    index.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99999")
    database.close()
    again = Index(path)
    assert again.problem == ""
    assert again.read(lambda db: db.execute("PRAGMA user_version").fetchone()) == (index_file.VERSION,)
    again.close()


def test_a_file_that_gets_damaged_in_use_gives_way_to_a_temporary_one(index: Index, path: Path) -> None:
    for number in range(50):
        add(index, f"ses_{number}", "the port is 4821 " * 300)
    index.truncate_log()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(IndexReplaced):
        index.read(lambda db: list(Store(db).records(Store(db).all_rows())))
    assert index.path is None
    assert str(path) in index.problem
    assert not path.exists()  # so that the next process makes it anew
    add(index, "ses_a", "it goes on")
    assert found(index, "goes") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_where_nothing_can_be_written_a_temporary_database_serves(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o500)
    index = Index(index_path(tmp_path / "cache" / "index", "prj_1"))
    add(index, "ses_a", "the port is 4821")
    assert found(index, "4821") == 1
    assert index.path is None
    index.close()


def test_where_a_folder_can_not_be_made_a_temporary_database_serves(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    index = Index(index_path(tmp_path / "cache" / "index", "prj_1"))
    add(index, "ses_a", "the port is 4821")
    assert found(index, "4821") == 1
    assert "cache" in index.problem
    index.close()


def test_on_a_full_disk_a_temporary_database_takes_over(index: Index) -> None:
    index.write(lambda db: db.execute("PRAGMA max_page_count=60").fetchone())
    with pytest.raises(IndexReplaced, match="full"):
        add_without_end(index)
    add(index, "ses_a", "the port is 4821")
    assert found(index, "4821") == 1


def test_a_file_that_another_process_writes_to_all_the_time_is_left_alone(
    index: Index, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_file, "BUSY_TIMEOUT_S", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    mine = Index(path)
    other.execute("ROLLBACK")
    assert mine.path is None  # and this process goes on with a temporary one
    index.write(lambda db: db.execute("PRAGMA busy_timeout=50"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(IndexBusy):
        index.write(lambda db: coverage.note_fact(db, "directory", "x"))
    other.execute("ROLLBACK")
    index.write(lambda db: coverage.note_fact(db, "directory", "y"))
    assert index.path == path
    other.close()
    mine.close()


def test_a_python_without_fts5_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_no_index() == ""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    assert "3.34" in why_no_index.__wrapped__()


def test_a_lease_is_one_sidecars_until_it_is_given_back_or_too_old(index: Index) -> None:
    def lease(owner: str, now_ms: int) -> bool:
        return index.write(lambda db: coverage.lease(db, "ses_a", owner, now_ms))

    assert lease("first", 1_000)
    assert lease("first", 2_000)
    assert not lease("second", 3_000)
    index.write(lambda db: coverage.release(db, "ses_a", "second"))
    assert not lease("second", 3_000)
    index.write(lambda db: coverage.release(db, "ses_a", "first"))
    assert lease("second", 3_000)
    assert lease("first", 3_000 + coverage.LEASE_MS + 1)
