"""What is to be done next: for each stage the accepted inputs without a receipt, and why some of them wait.

An input with a receipt of any version of the stage is done; only a request in `state/again/` brings it back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from watcher import requests
from watcher.clock import Clock, stamp
from watcher.failures import Schedule, Trouble
from watcher.index import Index
from watcher.ledger import Job
from watcher.receipt import digest_of
from watcher.sources import Source, is_large
from watcher.stage import ARTIFACTS, Stage, Takes, always_ready
from watcher.workspace import Workspace

PAGE = 64
A_DAY = 86_400.0
IN_A_ROW = 3
"""Once this many jobs of a stage found their surroundings missing, the others wait until the first is due again."""


class Ready(msgspec.Struct, frozen=True):
    """One job that can run now."""

    stage: Stage
    sources: tuple[Source, ...]
    input: str
    again: bool


@dataclass(slots=True)
class _Collected:
    """The state of a stage that takes a set or the newest of all: whether to look, and when the last input came."""

    look: bool
    last: float


class Pending:
    """Hands out the jobs that can run now, and knows why the others wait."""

    def __init__(
        self, workspace: Workspace, index: Index, schedule: Schedule, stages: Sequence[Stage], clock: Clock
    ) -> None:
        self._workspace, self._index, self._schedule, self._clock = workspace, index, schedule, clock
        self._stages = stages
        self.patient = True
        """Quiet times, intervals and the schedule count (`watch`); else all is tried at once (`run`)."""
        self.pressure: Callable[[Stage], str | None] = lambda stage: None
        """Why a stage must wait for the machine's sake, or None."""
        self._cursor: dict[str, int] = {}
        self._queues: dict[str, deque[Ready]] = {stage.name: deque() for stage in stages}
        self._large: dict[str, deque[Ready]] = {stage.name: deque() for stage in stages}
        self._failed: dict[str, int] = {}
        self._tried: set[tuple[str, str]] = set()
        self._collected = {
            stage.name: _Collected(True, max(map(self._last_start, stage.accepts), default=0.0))
            for stage in stages
            if stage.takes is not Takes.EACH
        }
        self.held: dict[str, str] = {}
        """Why a stage (or an input of it) waits, in words."""
        self.due: float | None = None
        """The wall-clock time at which the first of what waits is to be looked at again."""

    def rewind(self) -> None:
        """Starts a new sweep: all that waits is looked at again."""
        self._cursor.clear()
        self.held.clear()
        self.due = None
        for queue in (*self._queues.values(), *self._large.values()):
            queue.clear()
        for collected in self._collected.values():
            collected.look = True

    def arrived(self, stage: str) -> None:
        """Jobs of a stage were committed."""
        for taker in self._stages:
            if taker.name in self._collected and stage in taker.accepts:
                self._collected[taker.name] = _Collected(True, self._clock.now())

    def next(self, stage: Stage) -> Ready | None:
        """The next job of a stage that can run now; each is handed out once in a sweep.

        Of an inline stage those on large inputs are put aside, for `next_apart`.
        """
        queue = self._queues[stage.name]
        while not queue and self._open(stage):
            found = self._each(stage) if stage.takes is Takes.EACH else self._collect(stage)
            if not found:
                break
            for ready in found:
                (self._large[stage.name] if is_large(stage, ready.sources) else queue).append(ready)
        return queue.popleft() if queue else None

    def next_apart(self, stage: Stage) -> Ready | None:
        """The next job of a stage for a process of its own."""
        if not stage.inline:
            return self.next(stage)
        queue = self._large[stage.name]
        if queue and not self._open(stage):
            return None
        while queue:
            ready = queue.popleft()  # perhaps it was at work when all was looked at again, and has ended since
            if self._index.waits(stage.name, ready.input) and self._may_run(ready):
                return ready
        return None

    def follow(self, stage: Stage, source: Source) -> Ready | None:
        """The job of a stage on what was made just now, if nothing speaks against it."""
        name, digest = stage.name, source.digest
        if stage.ready is not always_ready or not self._open(stage) or self._schedule.get(name, digest):
            return None
        if self._index.done(name, digest) or self._index.quarantined(name, digest) or is_large(stage, [source]):
            return None
        return Ready(stage, (source,), digest, again=False)

    def succeeded(self, stage: str) -> None:
        """A job of a stage was done: its surroundings are there."""
        self._failed.pop(stage, None)

    def failed(self, trouble: Trouble) -> None:
        """After several passing faults in a row, a stage's other jobs wait for the next attempt of this one."""
        if trouble.next == 0.0:
            return
        self._wait_until(trouble.next)
        self._tried.add((trouble.stage, trouble.input))
        if trouble.kind == "unavailable":
            self._failed[trouble.stage] = self._failed.get(trouble.stage, 0) + 1
            if self._failed[trouble.stage] >= IN_A_ROW:
                self._queues[trouble.stage].clear()
                self.held[trouble.stage] = f"trying again at {stamp(trouble.next)}: {trouble.text()}"

    def _open(self, stage: Stage) -> bool:
        if self._failed.get(stage.name, 0) >= IN_A_ROW:
            if self.patient and any(
                self._may_try_again(each) for each in self._schedule.entries() if each.stage == stage.name
            ):
                self._failed[stage.name] = IN_A_ROW - 1
                return True
            return False
        if reason := self.pressure(stage):
            self.held[stage.name] = reason
            return False
        return True

    def is_due(self) -> bool:
        """Something that waited for its time may run now."""
        return self.due is not None and self.due <= self._clock.now()

    def _wait_until(self, moment: float) -> None:
        self.due = min(self.due, moment) if self.due is not None else moment

    def _may_try_again(self, trouble: Trouble) -> bool:
        # A time further away than any back-off means that the clock was set back.
        return not 0 < trouble.next - self._clock.now() <= max(self._schedule.retries.longest_seconds, A_DAY)

    # -- one job an input ------------------------------------------------------------------------------------------

    def _each(self, stage: Stage) -> list[Ready]:
        found: list[Ready] = []
        while not found:
            rows = self._index.waiting(stage.name, self._cursor.get(stage.name, 0), PAGE)
            if not rows:
                break
            self._cursor[stage.name] = rows[-1].number
            for row in rows:
                ready = Ready(stage, (self._source(row.source, row.key, row.input),), row.input, row.again)
                if self._may_run(ready):
                    found.append(ready)
        return found

    def _source(self, stage: str, key: str, digest: str) -> Source:
        path = self._workspace.accepted(key) if stage == ARTIFACTS else self._workspace.job(stage, key)
        return Source(path, digest, stage, key)

    def _may_run(self, ready: Ready) -> bool:
        trouble = self._schedule.get(ready.stage.name, ready.input)
        if trouble and not self._may_try(trouble):
            return False
        if reason := ready.stage.waits_for([source.path for source in ready.sources]):
            self.held[ready.stage.name] = reason
            return False
        return True

    def _may_try(self, trouble: Trouble) -> bool:
        if self.patient:
            if self._may_try_again(trouble):
                return True
            self._wait_until(trouble.next)
            return False
        return (trouble.stage, trouble.input) not in self._tried

    # -- one job for the set, or for the newest --------------------------------------------------------------------

    def _collect(self, stage: Stage) -> list[Ready]:
        state = self._collected[stage.name]
        if not state.look or not self._is_time(stage, state):
            return []
        state.look = False
        jobs = [job for source in stage.accepts for job in self._index.current(source)]
        if stage.takes is Takes.NEWEST:
            jobs = sorted(jobs, key=lambda job: (job.started, job.key))[-1:]
        ready = self._job_on(stage, jobs)
        return [ready] if ready and self._may_run(ready) else []

    def _job_on(self, stage: Stage, jobs: Sequence[Job]) -> Ready | None:
        by_output = {job.output: job for job in jobs}
        if not by_output:
            return None
        digests = sorted(by_output)
        digest = digest_of(digests) if stage.takes is Takes.ALL else digests[0]
        for trouble in self._schedule.entries():  # an input that was superseded waits for nothing
            if trouble.stage == stage.name and trouble.input != digest:
                self._schedule.drop(stage.name, trouble.input)
        asked = requests.asked(self._workspace, stage.name)
        for superseded in set(asked) - {digest}:
            requests.drop(self._workspace, stage.name, superseded)
        again = digest in asked
        quarantined = self._index.quarantined(stage.name, digest)
        if quarantined or (self._index.done(stage.name, digest) and not again):
            return None
        sources = tuple(self._source(by_output[each].stage, by_output[each].key, each) for each in digests)
        return Ready(stage, sources, digest, again)

    def _is_time(self, stage: Stage, state: _Collected) -> bool:
        """Whether quiet time and interval are over; a time in the future means that the clock was set back."""
        if not self.patient:
            return True
        now = self._clock.now()
        quiet = state.last + stage.quiet_seconds
        interval = self._last_start(stage.name) + stage.interval_seconds
        for until, seconds, what in (
            (quiet, stage.quiet_seconds, "waiting for a quiet moment"),
            (interval, stage.interval_seconds, "the last one was a short while ago"),
        ):
            if 0 < until - now <= seconds:
                self.held[stage.name] = f"{what}, until {stamp(until)}"
                self._wait_until(until)
                return False
        self.held.pop(stage.name, None)
        return True

    def _last_start(self, stage: str) -> float:
        started = self._index.last_start(stage)
        return datetime.fromisoformat(started).timestamp() if started else 0.0
