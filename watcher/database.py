"""The index's SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from watcher.errors import BY_ITSELF, Unavailable

LAYOUT = 3
NO_SHARED_MEMORY = "SQLITE_IOERR_SHMMAP"
"""Some network and FUSE folders can't be mapped into memory for several processes, as write-ahead logging needs it."""

SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE shards (stage TEXT, shard TEXT, changed INTEGER, PRIMARY KEY (stage, shard)) WITHOUT ROWID;
CREATE TABLE jobs (
    stage TEXT, key BLOB, input BLOB, output BLOB, flavour BLOB, started TEXT, incomplete INTEGER,
    PRIMARY KEY (stage, key)
);
CREATE INDEX by_input ON jobs (stage, input);
CREATE INDEX by_start ON jobs (stage, started);
CREATE TABLE waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, stage TEXT, input BLOB, source TEXT, key BLOB, again INTEGER DEFAULT 0,
    UNIQUE (stage, input)
);
CREATE INDEX in_turn ON waiting (stage, number);
"""


def open_database(file: Path) -> sqlite3.Connection:
    """Opens the index, empty if it was missing, damaged or of another layout. Raises Unavailable."""
    with surroundings():
        return _usable(file) or _anew(file)


def _usable(file: Path) -> sqlite3.Connection | None:
    try:
        database = _connect(file)
        with _closed_on_error(database):
            layout = database.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == NO_SHARED_MEMORY:
            return None
        raise
    except sqlite3.DatabaseError:
        return None  # no database, or a damaged one
    if layout == LAYOUT:
        return database
    database.close()
    return None


def _anew(file: Path) -> sqlite3.Connection:
    """With a log of what is to be written beside it, so that who reads hinders nobody who writes; where the folder
    lacks what that needs, with a journal that any folder can hold. The file remembers which.
    """
    remove_database(file)
    try:
        return _empty(_connect(file), "WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != NO_SHARED_MEMORY:
            raise
    remove_database(file)
    return _empty(_connect(file), "DELETE")


def _empty(database: sqlite3.Connection, journal: str) -> sqlite3.Connection:
    with _closed_on_error(database):
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {LAYOUT}; COMMIT;")
    return database


def in_memory() -> sqlite3.Connection:
    """An empty index that is no file and goes with its connection."""
    return _empty(sqlite3.connect(":memory:", isolation_level=None), "MEMORY")


def remove_database(file: Path) -> None:
    """Removes the file and those that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _connect(file: Path) -> sqlite3.Connection:
    # Other processes may use the same index; no write of theirs takes long.
    database = sqlite3.connect(file, timeout=60.0, isolation_level=None)
    with _closed_on_error(database):
        # A power failure may take the last transactions, never the consistency: what changed since is read again.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA cache_size = -4000")
    return database


@contextlib.contextmanager
def _closed_on_error(database: sqlite3.Connection) -> Iterator[None]:
    """A connection that is only dropped keeps its files open until it is collected."""
    try:
        yield
    except sqlite3.Error:
        database.close()
        raise


def all_about(database: sqlite3.Connection, prefix: str) -> list[tuple[str, str]]:
    """Names and values of the table `about` whose names begin with `prefix`."""
    return database.execute("SELECT name, value FROM about WHERE name GLOB ?", (f"{prefix}*",)).fetchall()


def drop_about(database: sqlite3.Connection, name: str) -> None:
    """Removes a name from the table `about`."""
    database.execute("DELETE FROM about WHERE name = ?", (name,))


def put_about(database: sqlite3.Connection, name: str, value: str) -> None:
    """Sets a name in the table `about`."""
    database.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Raises Unavailable for a full disk and the like."""
    with surroundings():
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def surroundings() -> Iterator[None]:
    """Turns what SQLite says of a full disk, a read-only one, or a lock held too long into Unavailable."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(f"the index: {error}", BY_ITSELF) from error
