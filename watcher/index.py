"""An index over the outbox's receipts, in SQLite: which jobs exist, and which inputs wait for which stage.

It only speeds things up: the folders are the truth, and it is filled anew from them whenever it can't be relied on.
A shard folder whose modification time is as remembered has not changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from watcher.database import all_about, drop_about, open_database, put_about, transaction
from watcher.files import exists, names
from watcher.receipt import Receipt, ReceiptError, flavour, read_receipt
from watcher.requests import asked
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.workspace import Workspace

RACY_NANOSECONDS = 2_000_000_000
"""A folder that changed within the grain of its file system's clock may change again without showing it."""


@dataclass(frozen=True, slots=True)
class Job:
    """One finished job, as far as the books need it. Digests and keys are 64 hexadecimal digits."""

    stage: str
    key: str
    input: str
    output: str
    flavour: str
    """The digest of version and settings: what makes a done job stale when it changes."""
    started: str
    incomplete: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """An input that waits for a stage: the output of the job `source`/`key`."""

    number: int
    input: str
    source: str
    key: str
    again: bool


def job_of(receipt: Receipt) -> Job:
    started = str(receipt.clock.get("started", ""))
    kind = flavour(receipt.version, receipt.settings)
    return Job(receipt.stage, receipt.key, receipt.input, receipt.output_digest, kind, started, receipt.incomplete)


class Index:
    """Open it with `with Index(workspace, stages) as index`; one connection, used by one thread."""

    def __init__(self, workspace: Workspace, stages: Sequence[Stage]) -> None:
        self._workspace = workspace
        self._stages = stages
        self._each = [stage for stage in stages if stage.takes is Takes.EACH]
        self._file = workspace.state / "index.sqlite"
        self.unreadable: dict[str, str] = {}
        """Job folders without a usable receipt, with the reason: never made by the engine, named by `doctor`."""

    def __enter__(self) -> Index:
        self._database = open_database(self._file)
        self._follow_pipeline()
        self.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

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
                " SELECT ?, output, stage, key FROM jobs j WHERE stage = ?"
                " AND NOT EXISTS (SELECT 1 FROM jobs d WHERE d.stage = ? AND d.input = j.output)",
                (stage.name, source, stage.name),
            )
        for digest in names(self._workspace.quarantine / stage.name):
            self.settled(stage.name, digest)

    # -- keeping in step with the folders --------------------------------------------------------------------------

    def refresh(self) -> int:
        """Reads what changed in outbox and quarantine since the last time; returns how many jobs came or went."""
        changes = 0
        for stage in (ARTIFACTS, *(stage.name for stage in self._stages)):
            for shard, changed in self._changed(stage, _shards(self._workspace.outbox / stage)):
                changes += self._read_shard(stage, shard, changed)
        for each in self._each:
            folders = {name: at for name, at in _shards(self._workspace.quarantine) if name == each.name}
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
        self._database.execute("DELETE FROM shards WHERE stage = ? AND shard = ?", (label, shard))
        if changed is not None:
            self._database.execute("INSERT INTO shards VALUES (?, ?, ?)", (label, shard, changed))

    def _read_shard(self, stage: str, shard: str, changed: int | None) -> int:
        folder = self._workspace.outbox / stage / shard
        there = set(names(folder))
        known = {key.hex() for (key,) in self._database.execute(*_shard_query(stage, shard))}
        new = list(self._read_jobs(folder / name for name in sorted(there - known)))
        with transaction(self._database):
            for key in known - there:
                self._database.execute("DELETE FROM jobs WHERE stage = ? AND key = ?", (stage, bytes.fromhex(key)))
                self._database.execute("DELETE FROM waiting WHERE source = ? AND key = ?", (stage, bytes.fromhex(key)))
            self._add(new)
            for each in self._each:
                if known - there and stage in (each.name, *each.accepts):
                    self._fill_waiting(each)  # what the lost jobs stood for waits again
            self._remember(stage, shard, changed)
        return len(new) + len(known - there)

    def _read_jobs(self, folders: Iterable[Path]) -> Iterator[Job]:
        for folder in folders:
            try:
                yield job_of(read_receipt(folder))
            except ReceiptError as error:
                self.unreadable[os.fspath(folder)] = str(error)

    def _read_again(self) -> int:
        """Requests to run done inputs again: empty files `state/again/STAGE/DIGEST`."""
        found = 0
        for stage in self._each:
            for digest in asked(self._workspace, stage.name):
                found += self._ask_again(stage, digest)
        return found

    def _ask_again(self, stage: Stage, digest: str) -> int:
        marks = ",".join("?" * len(stage.accepts))
        row = self._database.execute(
            f"SELECT stage, key FROM jobs WHERE stage IN ({marks}) AND output = ? LIMIT 1",
            (*stage.accepts, bytes.fromhex(digest)),
        ).fetchone()
        if row is None:
            return 0
        return self._database.execute(
            "INSERT INTO waiting (stage, input, source, key, again) VALUES (?, ?, ?, ?, 1)"
            " ON CONFLICT (stage, input) DO UPDATE SET again = 1 WHERE again = 0",
            (stage.name, bytes.fromhex(digest), *row),
        ).rowcount

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
        for stage in self._each:
            made = [job for job in jobs if job.stage in stage.accepts and not self._quarantined(stage.name, job.output)]
            rows = ((stage.name, bytes.fromhex(job.output), job.stage, bytes.fromhex(job.key)) for job in made)
            many(
                "INSERT OR IGNORE INTO waiting (stage, input, source, key) SELECT ?1, ?2, ?3, ?4"
                " WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE stage = ?1 AND input = ?2)",
                rows,
            )

    def _quarantined(self, stage: str, digest: str) -> bool:
        return exists(f"{self._workspace.quarantine}/{stage}/{digest}")

    def settled(self, stage: str, digest: str) -> None:
        """An input waits no more: it is done or quarantined."""
        self._database.execute("DELETE FROM waiting WHERE stage = ? AND input = ?", (stage, bytes.fromhex(digest)))

    # -- questions -------------------------------------------------------------------------------------------------

    def done(self, stage: str, digest: str) -> bool:
        query = "SELECT 1 FROM jobs WHERE stage = ? AND input = ? LIMIT 1"
        return self._database.execute(query, (stage, bytes.fromhex(digest))).fetchone() is not None

    def latest(self, stage: str, digest: str, since: str = "") -> Job | None:
        """The latest job of a stage on an input that started at or after a moment (ISO 8601)."""
        found = list(self._jobs("AND input = ? AND started >= ?", stage, bytes.fromhex(digest), since))
        return found[-1] if found else None

    def waiting(self, stage: str, after: int, limit: int) -> list[Waiting]:
        """The next inputs that wait for a stage, in the order in which they came, those after a number."""
        rows = self._database.execute(
            "SELECT number, input, source, key, again FROM waiting"
            " WHERE stage = ? AND number > ? ORDER BY number LIMIT ?",
            (stage, after, limit),
        )
        return [
            Waiting(number, taken.hex(), source, key.hex(), bool(again)) for number, taken, source, key, again in rows
        ]

    def count(self, table: Literal["jobs", "waiting"], stage: str) -> int:
        return int(self._database.execute(f"SELECT COUNT(*) FROM {table} WHERE stage = ?", (stage,)).fetchone()[0])

    def count_incomplete(self, stage: str) -> int:
        query = "SELECT COUNT(*) FROM jobs WHERE stage = ? AND incomplete"
        return int(self._database.execute(query, (stage,)).fetchone()[0])

    def find(self, prefix: str) -> list[Job]:
        """The jobs whose key begins with these hexadecimal digits."""
        low, high = bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))
        stages = (ARTIFACTS, *(stage.name for stage in self._stages))
        return [job for stage in stages for job in self._jobs("AND key BETWEEN ? AND ?", stage, low, high)]

    def on(self, stage: str, digest: str) -> list[Job]:
        """The jobs of a stage on an input, oldest first."""
        return list(self._jobs("AND input = ?", stage, bytes.fromhex(digest)))

    def stale(self, stage: Stage) -> list[Job]:
        """The current jobs of a stage that its present version and settings would do anew."""
        kind = flavour(stage.version, stage.settings())
        return [job for job in self.current(stage.name) if job.flavour != kind]

    def last_start(self, stage: str) -> str:
        """When the latest job of a stage started (ISO 8601), "" if there is none."""
        return self._database.execute("SELECT MAX(started) FROM jobs WHERE stage = ?", (stage,)).fetchone()[0] or ""

    def jobs(self, stage: str) -> Iterator[Job]:
        """All jobs of a stage, oldest first."""
        return self._jobs("", stage)

    def _jobs(self, condition: str, *values: object) -> Iterator[Job]:
        columns = "stage, key, input, output, flavour, started, incomplete"
        query = f"SELECT {columns} FROM jobs WHERE stage = ? {condition} ORDER BY started, key"
        for name, key, taken, made, kind, started, incomplete in self._database.execute(query, values):
            yield Job(name, key.hex(), taken.hex(), made.hex(), kind.hex(), started, bool(incomplete))

    def current(self, stage: str) -> list[Job]:
        """The jobs that still count: of each input the latest, of a collected stage the latest of all.

        A job whose input nothing current makes any more (an upstream job was run again and made something else) is out.
        """
        known = {each.name: each for each in self._stages}
        if stage in known and known[stage].takes is not Takes.EACH:
            return list(self.jobs(stage))[-1:]
        by_input = {job.input: job for job in self.jobs(stage)}
        if stage not in known:  # accepted artifacts
            return list(by_input.values())
        made = {job.output for source in known[stage].accepts for job in self.current(source)}
        return [job for job in by_input.values() if job.input in made]


def _row(job: Job) -> tuple[str, bytes, bytes, bytes, bytes, str, bool]:
    key, taken, made, kind = map(bytes.fromhex, (job.key, job.input, job.output, job.flavour))
    return job.stage, key, taken, made, kind, job.started, job.incomplete


def _shards(folder: Path) -> Iterator[tuple[str, int]]:
    """Subfolders and when they changed; 0 if that is too recent to be relied on."""
    racy = time.time_ns() - RACY_NANOSECONDS
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                changed = entry.stat(follow_symlinks=False).st_mtime_ns
                yield entry.name, changed if changed < racy else 0
    except FileNotFoundError:
        return


def _shard_query(stage: str, shard: str) -> tuple[str, tuple[str, bytes, bytes]]:
    low = bytes.fromhex(shard) + bytes(31)
    return "SELECT key FROM jobs WHERE stage = ? AND key BETWEEN ? AND ?", (
        stage,
        low,
        bytes.fromhex(shard) + b"\xff" * 31,
    )
