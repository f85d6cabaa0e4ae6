"""Jobs in processes of their own: each calls the same `execute`, records its outcome on disk, and is then read there.

The exit status is a summary for people and for this module: see the constants.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from watcher.clock import Clock, stamp
from watcher.errors import BY_ITSELF, Unavailable
from watcher.failures import Failure, Schedule, Trouble, read_trouble
from watcher.files import make_folder
from watcher.index import Index
from watcher.ledger import Job
from watcher.pending import Ready
from watcher.stage import Stage
from watcher.workspace import Workspace

DONE = 0
QUARANTINED = 1
USAGE = 2
BUG = 70
"""An unexpected error; it is written down and tried again."""
UNAVAILABLE = 75
BATCH = 64
"""How many inputs share one process, and with it what it loads."""
LONGEST_COMMAND = 60_000
"""Longer lists of paths than this go through a file, `@FILE`, with a NUL byte between two."""


@dataclass(slots=True)
class Child:
    """A process at work on jobs of one stage."""

    stage: Stage
    jobs: list[Ready]
    process: subprocess.Popen[bytes]
    began: str
    attempts: dict[str, int]
    """How often each input had been tried when the process started."""
    list_file: Path | None

    def said_nothing(self) -> str:
        """How it ended, for jobs of which it recorded nothing."""
        status = self.process.returncode
        if status < 0:
            return f"the process of {self.stage.name} was ended by {signal.Signals(-status).name} without a word"
        return f"the process of {self.stage.name} ended with status {status} without a word"


class Children:
    """At most one process a stage."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self._workspace, self._clock = workspace, clock
        self._running: dict[str, Child] = {}

    def __len__(self) -> int:
        return len(self._running)

    def busy(self, stage: Stage) -> bool:
        return stage.name in self._running

    def start(self, stage: Stage, jobs: Sequence[Ready], schedule: Schedule) -> None:
        """Raises Unavailable if no process can be started: there are too many, or memory is short."""
        paths = [str(source.path) for job in jobs for source in job.sources]
        list_file = None
        if sum(map(len, paths)) > LONGEST_COMMAND:
            list_file = make_folder(self._workspace.state / "lists") / stage.name
            list_file.write_bytes(b"\0".join(map(os.fsencode, paths)))
            paths = [f"@{list_file}"]
        troubles = {job.input: schedule.get(stage.name, job.input) for job in jobs}
        attempts = {digest: trouble.attempts for digest, trouble in troubles.items() if trouble}
        began = stamp(self._clock.now())
        # A session of its own: Ctrl-C reaches the parent, which asks it to stop.
        try:
            process = subprocess.Popen(
                [*stage.command, *paths], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            raise Unavailable(f"no process of {stage.name} can be started: {error.strerror}", BY_ITSELF) from error
        self._running[stage.name] = Child(stage, list(jobs), process, began, attempts, list_file)

    def ended(self) -> list[Child]:
        """The processes that ended since the last call."""
        gone = [child for child in self._running.values() if child.process.poll() is not None]
        for child in gone:
            del self._running[child.stage.name]
            if child.list_file:
                child.list_file.unlink(missing_ok=True)
        return gone

    def stop(self, seconds: float) -> None:
        """Asks all to end, and kills those that have not ended after the given seconds."""
        for child in self._running.values():
            child.process.terminate()
        until = self._clock.elapsed() + seconds
        never = threading.Event()
        while any(child.process.poll() is None for child in self._running.values()) and self._clock.elapsed() < until:
            self._clock.wait(never, 0.05)
        for child in self._running.values():
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()


def outcomes(
    workspace: Workspace, child: Child, index: Index, schedule: Schedule, stopping: bool
) -> Iterator[tuple[Ready, Job | Trouble | Failure]]:
    """What became of each job of a process that ended: the folders say it.

    Only a job that left no trace is judged by how the process ended: the first such one, for the others were not begun.
    """
    blame = not stopping and child.process.returncode not in (DONE, UNAVAILABLE)
    for ready in child.jobs:
        outcome = _recorded(workspace, child, ready, index, schedule)
        if outcome is not None:
            yield ready, outcome
        elif blame:
            blame = False
            yield ready, Failure("bug", child.said_nothing(), "what it wrote before may say more")


def _recorded(
    workspace: Workspace, child: Child, ready: Ready, index: Index, schedule: Schedule
) -> Job | Trouble | None:
    name = ready.stage.name
    if quarantined := read_trouble(workspace.quarantined(name, ready.input) / "reason.json"):
        return quarantined
    if job := index.latest(name, ready.input, child.began if ready.again else ""):
        return job
    trouble = schedule.get(name, ready.input)
    return trouble if trouble and trouble.attempts > child.attempts.get(ready.input, 0) else None
