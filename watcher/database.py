"""The index's SQLite file: opening it, and knowing when it is not to be relied on."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil

LAYOUT = 1
BOOT_SECONDS = 60.0
"""The system reports its start time with so much play."""

SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE shards (stage TEXT, shard TEXT, changed INTEGER, PRIMARY KEY (stage, shard)) WITHOUT ROWID;
CREATE TABLE jobs (
    stage TEXT, key BLOB, input BLOB, output BLOB, flavour BLOB, started TEXT, incomplete INTEGER,
    PRIMARY KEY (stage, key)
) WITHOUT ROWID;
CREATE INDEX by_input ON jobs (stage, input);
CREATE TABLE waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, stage TEXT, input BLOB, source TEXT, key BLOB, again INTEGER DEFAULT 0,
    UNIQUE (stage, input)
);
"""


def open_database(file: Path) -> sqlite3.Connection:
    """Opens the index, empty if it was missing, damaged, of another layout, or in use when the machine went down."""
    try:
        database = _connect(file)
        if _usable(database):
            return _opened(database)
        database.close()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise
    except sqlite3.DatabaseError:
        pass  # no database, or a damaged one
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    database = _connect(file)
    database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {LAYOUT}; COMMIT;")
    return _opened(database)


def close_database(database: sqlite3.Connection) -> None:
    put_about(database, "open", "")
    database.close()


def _connect(file: Path) -> sqlite3.Connection:
    # Other processes may use the same index; no write of theirs takes long.
    database = sqlite3.connect(file, timeout=60.0, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")  # after a power failure it is made anew
    database.execute("PRAGMA cache_size = -4000")
    return database


def _usable(database: sqlite3.Connection) -> bool:
    if database.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
        return False
    boot = about(database, "open")
    return not boot or abs(float(boot) - psutil.boot_time()) < BOOT_SECONDS


def _opened(database: sqlite3.Connection) -> sqlite3.Connection:
    put_about(database, "open", f"{psutil.boot_time():.0f}")
    return database


def about(database: sqlite3.Connection, name: str) -> str:
    row = database.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def put_about(database: sqlite3.Connection, name: str, value: str) -> None:
    database.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
