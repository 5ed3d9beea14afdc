"""A project's index: one SQLite file in the cache folder, or a temporary database in its place.

Owns how the file is opened, shared with other sidecars, replaced when it can't be used, and how what was removed leaves
it for good. Does not know what is in it: the tables are `store`'s and `coverage`'s.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TypeVar

from handoff_sidecar.errors import IndexBusy, IndexReplaced
from handoff_sidecar.folders import make_private
from handoff_sidecar.search import coverage
from handoff_sidecar.search.schema import SCHEMA_VERSION
from handoff_sidecar.search.store import Store

log = logging.getLogger(__name__)

VERSION = SCHEMA_VERSION * 100 + coverage.SCHEMA_VERSION
"""Part of the file's name: another version of this program keeps a file of its own."""

OLDEST_SQLITE = (3, 34)

BUSY_TIMEOUT_S = 3.0
"""Another sidecar's longest transaction is a page of messages, or a step of a merge: under 0.3 s each."""

PAGE_BYTES = 8_192
"""A packed message has some two thousand bytes: of pages of 4,096 a quarter stays empty."""

CACHE_KB = 1_500
"""Of pages in memory, for each connection."""

MERGE_PAGES = 64
"""Of the index, rewritten in one step: some 5 ms on an idle machine."""

WAL_LIMIT_BYTES = 4_000_000

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNWRITABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_T = TypeVar("_T")


@cache
def why_no_index() -> str:
    """Why this Python's SQLite can't hold an index; empty if it can."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return f"its SQLite is {version}, and the index needs {'.'.join(map(str, OLDEST_SQLITE))}"
    try:
        with sqlite3.connect(":memory:") as connection:
            connection.execute("CREATE VIRTUAL TABLE probe USING fts5(body)")
    except sqlite3.Error:
        return f"its SQLite {version} was built without FTS5"
    return ""


def index_path(folder: Path, project: str) -> Path:
    """Where the index of a project is; `project` is whatever tells it from others."""
    name = hashlib.sha256(project.encode("utf-8", "replace")).hexdigest()[:24]
    return folder / f"{name}.v{VERSION}.db"


class Index:
    """One project's index, for all threads of this process.

    Attributes:
        problem: why a temporary database serves in place of the file; empty where the file does.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the file at `path`, made if it is missing; with None, a temporary database from the start."""
        self.problem = ""
        self._path = path
        self._lock = Lock()
        self._reading = Lock()
        self._writer, self._reader = self._open(path) if path is not None else self._open_temporary()

    @property
    def path(self) -> Path | None:
        """The file; None where a temporary database serves."""
        return self._path

    def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What `work` makes of the database, in one transaction.

        Raises:
            IndexBusy: another process was writing for too long; nothing was changed.
            IndexReplaced: the file can't be used any more, and an empty temporary database has taken its place.
        """
        with self._guarded(self._lock):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                done = work(self._writer)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            return done

    def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What `work` finds, all of it as of one moment.

        Raises:
            IndexReplaced: as above.
        """
        with self._guarded(self._reading if self._reader is not self._writer else self._lock):
            self._reader.execute("BEGIN")
            try:
                return work(self._reader)
            finally:
                if self._reader.in_transaction:
                    self._reader.execute("COMMIT")

    def erase_step(self, *, is_first: bool) -> bool:
        """A short step of making what was removed leave the file; whether there is more to do."""
        with self._guarded(self._lock):
            return Store(self._writer).erase_step(MERGE_PAGES, begin=is_first)

    def truncate_log(self) -> bool:
        """Empty the `-wal` file, which holds former versions of pages; False while another process reads them."""
        if self._path is None:
            return True
        with self._guarded(self._lock):
            is_busy, _, _ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not is_busy

    @property
    def size_bytes(self) -> int:
        """How much room what is in it takes, without pages that are free."""
        with self._guarded(self._lock):
            pages, free, size = (
                self._writer.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
            return int((pages - free) * size)

    def close(self) -> None:
        """Close it; a temporary database is gone with that."""
        with self._lock, self._reading:
            _close(self._reader, self._writer)

    def _open(self, path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        try:
            return _opened(path)
        except OSError as error:
            return self._fall_back(error)
        except sqlite3.Error as error:
            if _code(error) in _UNWRITABLE | _BUSY:
                return self._fall_back(error)
            log.warning("the index %s is damaged (%s) and is made anew", path, error)
        try:
            remove_index(path)
            return _opened(path)
        except (sqlite3.Error, OSError) as error:
            return self._fall_back(error)

    def _fall_back(self, error: Exception) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        self.problem = f"{self._path}: {error}"
        log.warning("a temporary index serves in place of %s", self.problem)
        return self._open_temporary()

    def _open_temporary(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        self._path = None
        connection = _connected("")  # SQLite's own unnamed file, which nobody else can open
        _create_tables(connection)
        return connection, connection

    @contextmanager
    def _guarded(self, lock: Lock) -> Iterator[None]:
        with lock:
            try:
                yield
            except sqlite3.Error as error:
                if self._path is None:
                    raise
                code = _code(error)
                if code in _BUSY:
                    raise IndexBusy(
                        f"the search index {self._path} is busy, because another process writes to it: try again"
                    ) from error
                if code not in _DAMAGED | _UNWRITABLE:
                    raise
                path = self._path
                _close(self._reader, self._writer)
                self._writer, self._reader = self._fall_back(error)
                if code in _DAMAGED:
                    _remove_if_possible(path)
                raise IndexReplaced(
                    f"the index {path} can't be used ({error}): a temporary one takes its place"
                ) from error


def remove_index(path: Path) -> None:
    """Remove an index with all that belongs to it.

    Raises:
        OSError: it is there and can't be removed.
    """
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _remove_if_possible(path: Path) -> None:
    try:
        remove_index(path)
    except OSError as error:
        log.warning("the damaged index %s could not be removed: %s", path, error)


def _opened(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """A connection that writes and one that reads."""
    make_private(path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives `-wal` and `-shm` the same mode
    writer = _connected(str(path))
    try:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute(f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}")
        writer.execute("BEGIN IMMEDIATE")
        if writer.execute("PRAGMA user_version").fetchone() == (0,):
            _create_tables(writer)
        writer.execute("COMMIT")
        _check(writer)
        reader = _connected(str(path))
        reader.execute("PRAGMA query_only=ON")
    except BaseException:
        writer.close()
        raise
    return writer, reader


def _check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found != VERSION:
        raise sqlite3.DatabaseError(f"it says that it is of version {found}")
    coverage.check(connection)


def _connected(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA secure_delete=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _create_tables(connection: sqlite3.Connection) -> None:
    Store(connection).create()
    coverage.create_tables(connection)
    connection.execute(f"PRAGMA user_version={VERSION}")


def _close(*connections: sqlite3.Connection) -> None:
    for connection in connections:
        connection.close()


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; an error of Python's own making has none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
