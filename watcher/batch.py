"""One round: the files that were taken, and the jobs that run in this process.

What a job made is handed to the next stage at once, before either is committed: a file goes through all light stages
in one round, with one flush. The jobs are committed in their order, so that none is there before its input is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import msgspec

from watcher.execute import Done, Prepared, Voice, prepare
from watcher.failures import Failure, guarded
from watcher.intake import Taken
from watcher.locks import Busy, JobLocks
from watcher.pending import Pending, Ready
from watcher.scratch import Scratch
from watcher.sources import Source
from watcher.stage import ARTIFACTS, Stage
from watcher.workspace import ARTIFACT, Workspace

SECONDS = 0.5
"""How long jobs are started; then what is ready is made durable, and new files are taken."""


class Batch:
    """What one round made: run, handed on, and listed for the commit."""

    def __init__(
        self,
        workspace: Workspace,
        pending: Pending,
        scratch: Scratch,
        locks: JobLocks,
        voice: Voice,
        takers: Mapping[str, Sequence[Stage]],
        before: Batch | None = None,
    ) -> None:
        """`takers`: the light stages that take one input at a time, by the stage that they take from.

        `before`: the round before, if it is not committed yet.
        """
        self._workspace, self._pending, self._voice = workspace, pending, voice
        self._scratch, self._locks = scratch, locks
        self._takers = takers
        self._until = voice.clock.elapsed() + SECONDS
        self._under_way: Set[tuple[str, str]] = before.begun if before else frozenset()
        self.begun: set[tuple[str, str]] = set()
        """Stage and input of the jobs that were started."""
        self.taken: list[Taken] = []
        """The files that came in."""
        self.jobs: list[tuple[Ready, Prepared]] = []
        """What is to be committed, each job after those that it was made of."""
        self.failed: list[tuple[Ready, Failure]] = []
        """What followed from a job and failed; to be written down once that job is committed."""
        self.busy = False
        """Another process was at one of the jobs."""

    @property
    def full(self) -> bool:
        return self._voice.clock.elapsed() > self._until or self._voice.stopping()

    @property
    def prepared(self) -> list[Prepared]:
        """All that is to be committed, the accepted files before what was made of them."""
        return [each.job for each in self.taken if each.job] + [job for _, job in self.jobs]

    def take(self, taken: Sequence[Taken]) -> None:
        """Adds accepted files, and runs what follows from them."""
        self.taken += taken
        for each in taken:
            if each.job:
                self.follow(each.job)

    def run(self, ready: Ready) -> Done | Failure | None:
        """Runs a job and what follows from it; returns what needs no commit, if it came to that."""
        return self._run(ready, self._locks)

    def _run(self, ready: Ready, locks: JobLocks | None) -> Done | Failure | None:
        result = self._prepare(ready, locks)
        if not isinstance(result, Prepared):
            return result
        self.jobs.append((ready, result))
        self.follow(result)
        return None

    def follow(self, job: Prepared) -> None:
        """Runs what takes from a prepared job; a stage that failed is left alone for the rest of the round."""
        for stage in self._takers.get(job.receipt.stage, ()):
            if self.full or any(ready.stage is stage for ready, _ in self.failed):
                continue
            if ready := self._pending.follow(stage, _source(job)):
                result = self._run(ready, None)
                if isinstance(result, Failure):
                    committed = msgspec.structs.replace(ready.sources[0], path=_committed(job))
                    self.failed.append((msgspec.structs.replace(ready, sources=(committed,)), result))

    def _prepare(self, ready: Ready, locks: JobLocks | None) -> Done | Prepared | Failure | None:
        name = (ready.stage.name, ready.input)
        if name in self.begun or name in self._under_way:  # its scratch folder is in use
            return None
        self.begun.add(name)
        try:
            return guarded(
                lambda: prepare(self._workspace, ready.stage, ready.sources, self._scratch, locks, self._voice)
            )
        except Busy:
            self.busy = True
            return None


def _source(job: Prepared) -> Source:
    receipt = job.receipt
    return Source(job.made, receipt.output_digest, receipt.stage, receipt.key)


def _committed(job: Prepared) -> Path:
    return Path(job.folder) / ARTIFACT if job.receipt.stage == ARTIFACTS else Path(job.folder)
