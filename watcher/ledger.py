"""The questions that the index answers: which jobs there are, what waits for whom, what still counts."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from watcher.receipt import Receipt, flavour
from watcher.stage import ARTIFACTS, Stage, Takes


class Job(msgspec.Struct, frozen=True):
    """One finished job, as far as the books need it. Digests and keys are 64 hexadecimal digits."""

    stage: str
    key: str
    input: str
    output: str
    flavour: str
    """The digest of version and settings: what makes a done job stale when it changes."""
    started: str
    incomplete: bool


class Waiting(msgspec.Struct, frozen=True):
    """An input that waits for a stage: the output of the job `source`/`key`."""

    number: int
    input: str
    source: str
    key: str
    again: bool


def job_of(receipt: Receipt) -> Job:
    """A job as its receipt tells it."""
    started = str(receipt.clock.get("started", ""))
    kind = flavour(receipt.version, receipt.settings)
    return Job(receipt.stage, receipt.key, receipt.input, receipt.output_digest, kind, started, receipt.incomplete)


class Ledger:
    """Reads the index; `Index` keeps it."""

    _database: sqlite3.Connection
    _stages: Sequence[Stage]

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """All answers within are of one moment, whatever other processes enter meanwhile."""
        self._database.execute("BEGIN")
        try:
            yield
        finally:
            self._database.execute("COMMIT")

    def done(self, stage: str, digest: str) -> bool:
        """Whether a stage has done an input, in any version."""
        query = "SELECT 1 FROM jobs WHERE stage = ? AND input = ? LIMIT 1"
        return self._database.execute(query, (stage, bytes.fromhex(digest))).fetchone() is not None

    def latest(self, stage: str, digest: str, since: str = "") -> Job | None:
        """The latest job of a stage on an input that started at or after a moment (ISO 8601)."""
        found = [job for job in self.on(stage, digest) if job.started >= since]
        return found[-1] if found else None

    def waits(self, stage: str, digest: str) -> bool:
        """Whether an input waits for a stage: it is neither done nor quarantined, or asked for again."""
        query = "SELECT 1 FROM waiting WHERE stage = ? AND input = ?"
        return self._database.execute(query, (stage, bytes.fromhex(digest))).fetchone() is not None

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
        """How many jobs a stage has done, or how many inputs wait for it."""
        return int(self._database.execute(f"SELECT COUNT(*) FROM {table} WHERE stage = ?", (stage,)).fetchone()[0])

    def count_incomplete(self, stage: str) -> int:
        """How many of them could read their input in part only."""
        query = "SELECT COUNT(*) FROM jobs INDEXED BY by_start WHERE stage = ? AND incomplete"
        return int(self._database.execute(query, (stage,)).fetchone()[0])

    def find(self, prefix: str) -> list[Job]:
        """The jobs whose key begins with these hexadecimal digits."""
        low, high = bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))
        stages = (ARTIFACTS, *(stage.name for stage in self._stages))
        return [job for stage in stages for job in self._jobs("AND key BETWEEN ? AND ?", stage, low, high)]

    def on(self, stage: str, digest: str) -> list[Job]:
        """The jobs of a stage on an input, oldest first."""
        return list(self._jobs("AND input = ?", stage, bytes.fromhex(digest), by="INDEXED BY by_input"))

    def stale(self, stage: Stage) -> list[Job]:
        """The current jobs of a stage that its present version and settings would do anew."""
        kind = flavour(stage.version, stage.settings())
        return [job for job in self.current(stage.name) if job.flavour != kind]

    def last_start(self, stage: str) -> str:
        """When the latest job of a stage started (ISO 8601), "" if there is none."""
        return self._database.execute("SELECT MAX(started) FROM jobs WHERE stage = ?", (stage,)).fetchone()[0] or ""

    def jobs(self, stage: str) -> Iterator[Job]:
        """All jobs of a stage, oldest first."""
        return self._jobs("", stage, by="INDEXED BY by_start")

    def _jobs(self, condition: str, *values: object, by: str = "") -> Iterator[Job]:
        """`by`: an index that SQLite would not choose by itself, for it takes a stage for a handful of jobs."""
        columns = "stage, key, input, output, flavour, started, incomplete"
        query = f"SELECT {columns} FROM jobs {by} WHERE stage = ? {condition} ORDER BY started, key"
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
