"""An index over the outbox's receipts, in SQLite: which jobs exist, and which inputs wait for which stage.

It only speeds things up: the folders are the truth, and it is filled anew from them whenever it can't be relied on.
A shard folder whose modification time is as remembered has not changed.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from sqlite3 import DatabaseError

from watcher.database import (
    all_about,
    drop_about,
    open_database,
    put_about,
    remove_database,
    surroundings,
    transaction,
)
from watcher.errors import Unavailable
from watcher.files import exists, names
from watcher.ledger import Job, Ledger, job_of
from watcher.locks import held
from watcher.receipt import ReceiptError, read_receipt
from watcher.requests import asked
from watcher.sources import KEY_LENGTH
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.workspace import Workspace

SHARD, KEY = re.compile("[0-9a-f]{2}"), re.compile(rf"[0-9a-f]{{{KEY_LENGTH}}}")
"""Names of folders in the outbox; whatever else lies there is no job."""
RACY_NANOSECONDS = 2_000_000_000
"""A folder that changed within the grain of its file system's clock may change again without showing it.

A time in whole milliseconds may be that of a coarse clock; clocks that show more tick a hundred times a second.
"""


class Index(Ledger):
    """Open it with `with Index(workspace, stages) as index`; one connection, used by one thread."""

    def __init__(self, workspace: Workspace, stages: Sequence[Stage]) -> None:
        self._workspace = workspace
        self._stages = stages
        self._each = [stage for stage in stages if stage.takes is Takes.EACH]
        self._file = workspace.state / "index.sqlite"
        self.unreadable: dict[str, str] = {}
        """Job folders without a usable receipt, with the reason: never made by the engine, named by `doctor`."""

    def __enter__(self) -> Index:
        self._open()
        try:
            self.refresh()
        except DatabaseError as error:
            self.__exit__(type(error))
            self._open()
            self.refresh()
        except Unavailable:
            self._database.close()
            raise
        return self

    def _open(self) -> None:
        with held(self._workspace.lock("index"), "another process opens the index", wait=True):
            self._database = open_database(self._file)

    def reopen(self) -> None:
        """Opens the file anew; the old connection stays if that is not possible. Raises Unavailable."""
        before = self._database
        self._open()
        before.close()

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        self._database.close()
        if kind is DatabaseError:  # it is damaged: whoever starts next fills a new one from the folders
            remove_database(self._file)

    def _follow_pipeline(self) -> None:
        """What waits depends on which stage takes from which: it is worked out anew for stages where that changed."""
        wanted = {f"takes:{stage.name}": ",".join(stage.accepts) for stage in self._each}
        with transaction(self._database):
            for name, accepts in all_about(self._database, "takes:"):
                if wanted.get(name) == accepts:
                    del wanted[name]
                else:
                    self._database.execute("DELETE FROM waiting WHERE stage = ?", (name.removeprefix("takes:"),))
                    drop_about(self._database, name)
            for stage in self._each:
                if f"takes:{stage.name}" in wanted:
                    self._fill_waiting(stage)
                    put_about(self._database, f"takes:{stage.name}", ",".join(stage.accepts))

    def _fill_waiting(self, stage: Stage) -> None:
        for source in stage.accepts:
            self._database.execute(
                "INSERT OR IGNORE INTO waiting (stage, input, source, key)"
                " SELECT ?, output, stage, key FROM jobs j INDEXED BY by_start WHERE stage = ?"
                " AND NOT EXISTS (SELECT 1 FROM jobs d WHERE d.stage = ? AND d.input = j.output)",
                (stage.name, source, stage.name),
            )
        for digest in self._workspace.in_quarantine(stage.name):
            self.settled(stage.name, digest)

    # -- keeping in step with the folders --------------------------------------------------------------------------

    def refresh(self) -> int:
        """Reads what changed in outbox and quarantine since the last time; returns how many jobs came or went."""
        self._follow_pipeline()  # another process may carry other stages
        changes = 0
        for stage in (ARTIFACTS, *(stage.name for stage in self._stages)):
            for shard, changed in self._compared(stage):
                changes += self._read_shard(stage, shard, changed)
        for each in self._each:
            folders = {name: at for name, at in _folders(self._workspace.quarantine) if name == each.name}
            for _, changed in self._changed(f"quarantine/{each.name}", folders.items()):
                with transaction(self._database):
                    self._fill_waiting(each)
                    self._remember(f"quarantine/{each.name}", each.name, changed)
        return changes + self._read_again()

    def _changed(self, label: str, now: Iterable[tuple[str, int]]) -> list[tuple[str, int | None]]:
        """The shards that are not as remembered, with their time: 0 if it is no proof, None if they are gone."""
        remembered = dict(self._database.execute("SELECT shard, changed FROM shards WHERE stage = ?", (label,)))
        changed: list[tuple[str, int | None]] = []
        for shard, at in now:
            if remembered.pop(shard, 0) != at or not at:
                changed.append((shard, at))
        return changed + [(shard, None) for shard in remembered]

    def _remember(self, label: str, shard: str, changed: int | None) -> None:
        if changed is None:
            self._database.execute("DELETE FROM shards WHERE stage = ? AND shard = ?", (label, shard))
        else:
            self._database.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?)", (label, shard, changed))

    def _compared(self, stage: str) -> list[tuple[str, int | None]]:
        """The shards that hold other jobs than were entered; the first start after many jobs is spent here."""
        differ, folder = [], self._workspace.outbox / stage
        with transaction(self._database):  # nobody enters a job between the look at a shard's time and at its names
            shards = (each for each in _folders(folder) if SHARD.fullmatch(each[0]))
            for shard, changed in self._changed(stage, shards):
                if ":".join(names(f"{folder}/{shard}")) == self._entered(stage, shard):
                    self._remember(stage, shard, changed)
                else:
                    differ.append((shard, changed))
        return differ

    def _entered(self, stage: str, shard: str) -> str:
        """The keys that were entered, in their order; put together by SQLite, for there may be very many."""
        low, high = bytes.fromhex(shard) + bytes(31), bytes.fromhex(shard) + b"\xff" * 31
        keys = "SELECT key FROM jobs WHERE stage = ? AND key BETWEEN ? AND ? ORDER BY key"
        query = f"SELECT lower(group_concat(hex(key), ':')) FROM ({keys})"
        return self._database.execute(query, (stage, low, high)).fetchone()[0] or ""

    def _read_shard(self, stage: str, shard: str, changed: int | None) -> int:
        folder = self._workspace.outbox / stage / shard
        # Before the names: what is entered meanwhile must not pass for lost.
        known = set(filter(None, self._entered(stage, shard).split(":")))
        there = set(filter(KEY.fullmatch, names(folder)))
        new = list(self._read_jobs(folder / key for key in sorted(there - known)))
        with transaction(self._database):
            for key in known - there:
                self._lose(stage, bytes.fromhex(key))
            self._add(new)
            for each in self._each:
                if known - there and stage in (each.name, *each.accepts):
                    self._fill_waiting(each)  # what the lost jobs stood for waits again
            self._remember(stage, shard, changed)
        return len(new) + len(known - there)

    def _lose(self, stage: str, key: bytes) -> None:
        """Takes a job out, and what waits because of it."""
        for taker in self._each:
            self._database.execute(
                "DELETE FROM waiting WHERE stage = ? AND source = ? AND key = ?"
                " AND input = (SELECT output FROM jobs WHERE stage = ? AND key = ?)",
                (taker.name, stage, key, stage, key),
            )
        self._database.execute("DELETE FROM jobs WHERE stage = ? AND key = ?", (stage, key))

    def _read_jobs(self, folders: Iterable[Path]) -> Iterator[Job]:
        for folder in folders:
            try:
                yield job_of(read_receipt(folder))
            except ReceiptError as error:
                self.unreadable[os.fspath(folder)] = str(error)

    def _read_again(self) -> int:
        """Requests to run done inputs again: empty files `state/again/STAGE/DIGEST`."""
        query = "SELECT 1 FROM waiting WHERE stage = ? AND input = ? AND again"
        found = 0
        for stage in self._each:
            wanted = map(bytes.fromhex, asked(self._workspace, stage.name))
            new = {digest for digest in wanted if not self._database.execute(query, (stage.name, digest)).fetchone()}
            found += self._ask_again(stage, new) if new else 0
        return found

    def _ask_again(self, stage: Stage, digests: set[bytes]) -> int:
        """Looks through all outputs that the stage takes: requests are few, and an order by output would cost each job
        more than any other.
        """
        made = (row for source in stage.accepts for row in self._outputs(source))
        found = {digest: (stage.name, digest, source, key) for digest, source, key in made if digest in digests}
        with transaction(self._database):
            self._database.executemany(
                "INSERT INTO waiting (stage, input, source, key, again) VALUES (?, ?, ?, ?, 1)"
                " ON CONFLICT (stage, input) DO UPDATE SET again = 1",
                found.values(),
            )
        return len(found)

    def _outputs(self, stage: str) -> Iterator[tuple[bytes, str, bytes]]:
        query = "SELECT output, stage, key FROM jobs INDEXED BY by_start WHERE stage = ?"
        return self._database.execute(query, (stage,))

    # -- what the engine says --------------------------------------------------------------------------------------

    def add(self, jobs: Sequence[Job]) -> None:
        """Enters jobs that were committed just now."""
        with transaction(self._database):
            self._add(jobs)

    def _add(self, jobs: Sequence[Job]) -> None:
        many = self._database.executemany
        # The names may not be on the disk yet: after a power failure these shards must be read again.
        many("INSERT OR REPLACE INTO shards VALUES (?, ?, 0)", {(job.stage, job.key[:2]) for job in jobs})
        many("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)", map(_row, jobs))
        taken = ((job.stage, bytes.fromhex(job.input)) for job in jobs)
        many("DELETE FROM waiting WHERE stage = ? AND input = ?", taken)
        done = {(job.stage, job.input) for job in jobs}
        for stage in self._each:
            made = [job for job in jobs if job.stage in stage.accepts and (stage.name, job.output) not in done]
            waiting = [
                (stage.name, bytes.fromhex(job.output), job.stage, bytes.fromhex(job.key))
                for job in made
                if not self.quarantined(stage.name, job.output)
            ]
            many(
                "INSERT OR IGNORE INTO waiting (stage, input, source, key) SELECT ?, ?, ?, ?"
                " WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE stage = ? AND input = ?)",
                [(*row, *row[:2]) for row in waiting],
            )

    def quarantined(self, stage: str, digest: str) -> bool:
        """Whether a stage has put an input into quarantine."""
        return exists(f"{self._workspace.quarantine}/{stage}/{digest}")

    def settled(self, stage: str, digest: str) -> None:
        """An input waits no more: it is done or quarantined."""
        with surroundings():
            self._database.execute("DELETE FROM waiting WHERE stage = ? AND input = ?", (stage, bytes.fromhex(digest)))


def _row(job: Job) -> tuple[str, bytes, bytes, bytes, bytes, str, bool]:
    key, taken, made, kind = map(bytes.fromhex, (job.key, job.input, job.output, job.flavour))
    return job.stage, key, taken, made, kind, job.started, job.incomplete


def _folders(folder: Path) -> Iterator[tuple[str, int]]:
    """Subfolders and when they changed; 0 if that is too recent to be relied on."""
    now = time.time_ns()
    for name in names(folder):
        with contextlib.suppress(FileNotFoundError):
            changed = os.lstat(f"{folder}/{name}").st_mtime_ns
            racy = RACY_NANOSECONDS if changed % 1_000_000 == 0 else RACY_NANOSECONDS // 20
            yield name, changed if changed < now - racy else 0
