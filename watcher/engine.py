"""The engine: takes files from the inbox and carries them through the stages, in one pass or for as long as it lives.

It goes in rounds. A round takes some files and runs some waiting jobs of every stage, makes all of it durable together,
and only then enters it in the index; the inbox files go once the names are on the disk too, when no more files wait.
Nothing is remembered that the folders would not tell, so that the process may be killed at any instruction.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from watcher import database, files, requests
from watcher.batch import Batch
from watcher.children import BATCH, Children, outcomes
from watcher.commits import Commits
from watcher.errors import Unavailable
from watcher.execute import Done, Voice
from watcher.failures import Failure, Schedule, Trouble, record, wait_seconds
from watcher.inbox import GROUP, Inbox
from watcher.index import Index
from watcher.intake import Provenance
from watcher.ledger import job_of
from watcher.locks import JobLocks
from watcher.pending import Pending, Ready
from watcher.pressure import no_pressure
from watcher.receipt import Receipt, read_receipt
from watcher.scratch import Scratch
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.tally import Tally
from watcher.tempo import Tempo
from watcher.tidy import clean_up, forget_settled
from watcher.workspace import Workspace

log = logging.getLogger(__name__)
LOCKS_SECONDS = 3.0
BUSY_SECONDS = 0.2


class Engine:
    """Use it as a context: it holds the index open. One thread; `wake` and `voice.stopping` may be set by others."""

    def __init__(
        self,
        workspace: Workspace,
        stages: Sequence[Stage],
        tempo: Tempo,
        voice: Voice,
        *,
        patient: bool,
        paths: Sequence[Path] = (),
        provenance: Provenance | None = None,
        pressure: Callable[[Stage], str | None] = no_pressure,
    ) -> None:
        """`patient`: as under `watch`, see Pending. `paths`: what to take instead of what lies in the inbox."""
        self.workspace, self.tempo, self.voice, self.wake = workspace.make(), tempo, voice, threading.Event()
        self.tally = Tally()
        self.schedule = Schedule(workspace, tempo.retries)
        self.index = Index(workspace, stages)
        self._stages = stages
        # The last stages first, so that what is begun gets finished; what collects, after all of them.
        each = [stage for stage in reversed(stages) if stage.takes is Takes.EACH]
        collecting = [stage for stage in stages if stage.takes is not Takes.EACH]
        self._inline_order = [stage for stage in (*each, *collecting) if stage.inline]
        self._takers: dict[str, list[Stage]] = {}
        for stage in each:
            for source in stage.accepts if stage.inline else ():
                self._takers.setdefault(source, []).append(stage)
        self._patient = patient
        self._locks, self._scratch = JobLocks(workspace), Scratch(workspace)
        self._locks_until = 0.0
        self.inbox = Inbox(workspace, self._scratch, paths, tempo.settle_seconds, voice.clock, self.tally, provenance)
        self._children = Children(workspace, voice.clock)
        self._pressure = pressure
        self._commits = Commits(workspace, self.index, self.inbox, self._committed)
        self.busy = False
        """Another process is at a job that waits here."""
        self.expecting = True
        """Files that are not settled yet may still join this pass."""
        self._faults = 0
        self._paused_until = 0.0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            held.enter_context(self.index)
            held.enter_context(self._scratch)
            clean_up(self.workspace)
            forget_settled(self.workspace, self.index, self.schedule)
            self.pending = Pending(self.workspace, self.index, self.schedule, self._stages, self.voice.clock)
            self._held = held.pop_all()
        self.pending.patient, self.pending.pressure = self._patient, self._pressure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self._children.stop(self.tempo.drain_seconds)
        if kind is None:
            with contextlib.suppress(Unavailable):
                self._reap()
                self._commits.finish()
                self._commits.flush_names()
                self.index.refresh()  # compares what was done with the folders, so that the next start need not
        self._commits.give_up()
        self._locks.release()
        self._held.__exit__(kind, error, trace)

    # -- a round ---------------------------------------------------------------------------------------------------

    def round(self) -> bool:
        """Does the next piece of work; returns whether there was any."""
        if self.paused:
            return False
        try:
            with files.surroundings(), database.surroundings():
                if self._faults:
                    self._refresh()  # what was under way when it broke off is found in the folders
                moved = self._reap() + self._inline()
                moved += self._start_children(moved)
        except Unavailable as error:
            self._pause(error)
            return False
        if self._faults:
            self._faults = 0
            self.tally.held.pop("workspace", None)
        return bool(moved)

    def _pause(self, error: Unavailable) -> None:
        """The workspace itself is at fault (a full disk, say): all waits, nothing is lost."""
        self._faults += 1
        seconds = wait_seconds(self.tempo.retries, self._faults)
        log.warning("%s (waiting %.0f s)", error, seconds)
        self._paused_until = self.voice.clock.elapsed() + seconds
        self.tally.held["workspace"] = str(error)
        self._commits.give_up()
        self._scratch.clear()
        self._locks.release()

    def _inline(self) -> int:
        """Files and the jobs that run in this process; returns how many were taken, tried and committed."""
        if not self._locks.held:
            self._locks_until = self.voice.clock.elapsed() + LOCKS_SECONDS
        before = self._commits.under_way
        batch = Batch(self.workspace, self.pending, self._scratch, self._locks, self.voice, self._takers, before)
        taken = self.inbox.take(self.voice.stopping)
        with self.index.still():  # many small questions cost less so
            batch.take(taken)
        moved, more = len(batch.taken) + bool(before), False
        for stage in self._inline_order:
            if self._complete(stage, moved):
                tried = self._run_waiting(stage, batch)
                moved, more = moved + tried, more or tried == GROUP or batch.full
        self._commits.commit(batch, more=more)
        self.busy |= batch.busy
        if self._locks.held and (self.voice.clock.elapsed() > self._locks_until or not batch.jobs):
            self._commits.name()  # nobody else is at a job before it is committed
            self._locks.release()
        return moved

    def _run_waiting(self, stage: Stage, batch: Batch) -> int:
        """Runs some of the jobs that wait for a stage; returns how many were tried."""
        tried = 0
        while tried < GROUP and not batch.full and (ready := self.pending.next(stage)):
            tried += 1
            result = batch.run(ready)
            if isinstance(result, Failure):
                self._failed(ready, result)
            elif isinstance(result, Done):
                self._done(ready, result.receipt, fresh=False)
                self.index.add([job_of(result.receipt)])
        return tried

    def _committed(self, batch: Batch) -> None:
        self.tally.duplicates += sum(not each.new for each in batch.taken)
        self.tally.done[ARTIFACTS] += sum(each.new for each in batch.taken)
        if batch.taken:
            self.pending.arrived(ARTIFACTS)
        for ready, job in batch.jobs:
            self._done(ready, job.receipt, fresh=True)
        for ready, failure in batch.failed:
            self._failed(ready, failure)

    def _done(self, ready: Ready, receipt: Receipt, *, fresh: bool) -> None:
        name = ready.stage.name
        self.pending.succeeded(name)
        self.schedule.drop(name, ready.input)
        self.tally.troubles.pop((name, ready.input), None)
        if ready.again:
            requests.drop(self.workspace, name, ready.input)
        if fresh:
            self.tally.done[name] += 1
            self.tally.incomplete[name] += receipt.incomplete
            self.tally.keys[name] = receipt.key
            said = ", ".join(f"{what} {count}" for what, count in receipt.counts.items())
            log.info(
                "%s %s: %s (%.2f s)", name, receipt.key[:12], said or "done", float(receipt.clock.get("seconds", 0))
            )
        self.pending.arrived(name)

    def _failed(self, ready: Ready, failure: Failure) -> None:
        self._note(ready, record(self.workspace, self.schedule, ready.stage, ready.sources, failure, self.voice))

    def _note(self, ready: Ready, trouble: Trouble) -> None:
        log.warning("%s: %s: %s", trouble.stage, trouble.name or trouble.input[:12], trouble.text())
        if not self._patient:
            self.tally.troubles[trouble.stage, trouble.input] = trouble
        self.pending.failed(trouble)
        if not trouble.next:
            self.index.settled(trouble.stage, trouble.input)
            requests.drop(self.workspace, trouble.stage, trouble.input)

    # -- processes -------------------------------------------------------------------------------------------------

    def _complete(self, stage: Stage, moved: int) -> bool:
        """In a single pass a set is collected, and the newest taken, only once nothing more can join it."""
        if self._patient or stage.takes is Takes.EACH:
            return True
        earlier = self._stages[: self._stages.index(stage)]
        more = moved or self.busy or (self.expecting and self.inbox.look_at < float("inf"))
        return not more and not any(map(self._children.busy, earlier))

    def _start_children(self, moved: int) -> int:
        started = 0
        for stage in self._stages:
            idle = stage.command and not (self._children.busy(stage) or self.voice.stopping())
            if not (idle and self._complete(stage, moved + started)):
                continue
            jobs: list[Ready] = []
            while len(jobs) < BATCH and (ready := self.pending.next_apart(stage)):
                jobs.append(ready)
            if jobs:
                with files.surroundings():
                    self._children.start(stage, jobs, self.schedule)
                started += len(jobs)
        return started

    def _reap(self) -> int:
        ended = self._children.ended()
        for child in ended:
            self.schedule.refresh()
            self.index.refresh()
            for ready, outcome in outcomes(self.workspace, child, self.index, self.schedule, self.voice.stopping()):
                if isinstance(outcome, Failure):
                    self._failed(ready, outcome)
                elif isinstance(outcome, Trouble):
                    self._note(ready, outcome)
                else:
                    self._done(ready, read_receipt(self.workspace.job(outcome.stage, outcome.key)), fresh=True)
        return len(ended)

    # -- between rounds --------------------------------------------------------------------------------------------

    def rescan(self) -> None:
        """Looks at everything again, as at the start."""
        try:
            with files.surroundings(), database.surroundings():
                self._refresh()
        except Unavailable as error:
            self._pause(error)

    def _refresh(self) -> None:
        if self._faults:
            self.index.reopen()  # the volume that its file lies on may have gone away and come back
        self.schedule.refresh()
        self.index.refresh()
        forget_settled(self.workspace, self.index, self.schedule)
        self.pending.rewind()
        self.busy = False
        self.inbox.look_soon()

    @property
    def working(self) -> bool:
        """Processes of their own are at work."""
        return bool(self._children)

    @property
    def paused(self) -> bool:
        """The workspace itself is at fault: nothing is tried for a while."""
        return self.voice.clock.elapsed() < self._paused_until

    def seconds_to_next(self) -> float:
        """How long nothing is to be done, unless something wakes the engine."""
        now, wall = self.voice.clock.elapsed(), self.voice.clock.now()
        moments = [self.inbox.look_at - now]
        if self.pending.due is not None:
            moments.append(self.pending.due - wall)
        if self.busy or self._children:
            moments.append(BUSY_SECONDS)
        return max(0.0, self._paused_until - now, min(moments))
