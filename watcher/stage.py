"""What a stage is: a name, what it accepts, and a pure function from inputs to an empty folder."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from watcher.errors import JobError

ARTIFACTS = "artifacts"
"""The name under which dropped files are accepted: the outbox that the first stage takes from."""


class Takes(enum.Enum):
    """How many of the accepted inputs one job takes."""

    EACH = "each"  # one job per input
    NEWEST = "newest"  # one job for the newest input; older ones that wait are superseded
    ALL = "all"  # one job for the set of all inputs so far (a manifest); newer sets supersede waiting ones


class Outcome(msgspec.Struct, frozen=True):
    """What a run says of itself; the receipt keeps it beside the digests of what the run wrote."""

    counts: Mapping[str, int | float | str] = {}
    warnings: tuple[str, ...] = ()
    incomplete: bool = False
    """Part of the input could not be read: the job is done, but `run` exits 1 and `status` says so."""
    clock: Mapping[str, int | float | str] = {}
    """Durations, dates, memory: what may differ between two runs on the same input."""


class Attempt(msgspec.Struct, frozen=True):
    """What the engine hands to one run besides its inputs."""

    key: str
    """The job's key, 64 hexadecimal digits."""
    resume: Path
    """A folder that outlives a failed or killed attempt and is removed when the job is done; make it when needed."""
    cache: Path
    """A folder of the stage that anybody may empty at any time; it never changes what a run writes."""
    say: Callable[[str], None] = lambda line: None
    """Reports progress to the person, one line."""
    stopping: Callable[[], bool] = lambda: False
    """True once the process was asked to end: a long run saves its state and raises `Unavailable`."""


Run = Callable[[Sequence[Path], Path, Attempt], Outcome]


def always_ready(inputs: Sequence[Path]) -> str | None:
    """Most stages wait for nothing."""
    return None


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the pipeline.

    `run(inputs, out, attempt)` reads nothing but `inputs` and its settings, and writes only below the empty folder
    `out`. An input is the accepted file itself for `ARTIFACTS`, else the folder of a finished job of an earlier stage.
    """

    name: str
    version: str
    accepts: tuple[str, ...]
    run: Run
    settings: Callable[[], Mapping[str, object]] = dict
    """The settings that the run reads, as plain JSON data; part of the job's key. Asked for at each job."""
    takes: Takes = Takes.EACH
    quiet_seconds: float = 0.0
    """For `Takes.ALL` under `watch`: how long no new input must have come."""
    interval_seconds: float = 0.0
    """For `Takes.ALL` and `Takes.NEWEST` under `watch`: the least time between two jobs."""
    ready: Callable[[Sequence[Path]], str | None] = always_ready
    """Why a job on these inputs must wait for now (too little data, battery, disabled), or None."""
    command: tuple[str, ...] = ()
    """If set, the job runs as a process of its own: this command line followed by the inputs' paths."""
    inline_bytes: int = 0
    """An input of at most so many bytes runs in the watcher's own process even if there is a command."""
    lock: str = ""
    """The name of a lock that is one per user and machine (the accelerator's), held while the job runs."""

    @property
    def inline(self) -> bool:
        """The watcher's own process runs its jobs, or those on small inputs."""
        return not self.command or self.inline_bytes > 0

    def waits_for(self, inputs: Sequence[Path]) -> str | None:
        """Why a job on these inputs must wait, or None; an input that can't even be asked about waits too."""
        try:
            return self.ready(inputs)
        except (JobError, OSError) as error:
            return str(error)
