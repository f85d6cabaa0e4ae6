"""What becomes of a job that failed: quarantine, or another try at a time that is written down.

BadInput      -> quarantine/STAGE/DIGEST/ with reason.json and the artifact beside it
Unavailable   -> state/retry/STAGE/DIGEST.json: when to try next
anything else -> the same, and after `Retries.attempts` quarantine, with the traceback
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from tenacity import RetryCallState, wait_exponential_jitter  # at once: later, perhaps no file can be opened

from watcher import files, quarantine
from watcher.clock import stamp
from watcher.errors import BadInput, JobError, Unavailable
from watcher.execute import Done, Voice, execute_sources, input_digest, key_of
from watcher.files import names
from watcher.locks import Busy
from watcher.receipt import ReceiptError, flavour, read_receipt
from watcher.sources import Source, identify
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.workspace import Workspace

log = logging.getLogger(__name__)
T = TypeVar("T")
Kind = Literal["input", "unavailable", "bug"]


@dataclass(frozen=True, slots=True)
class Retries:
    """How failed jobs are tried again: the wait doubles from the first to the longest, with jitter."""

    first_seconds: float = 5.0
    longest_seconds: float = 3600.0
    attempts: int = 5
    """How often a job with an unexpected error is tried before its input is quarantined."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt, understood or not."""

    kind: Kind
    reason: str
    hint: str = ""
    after: float = 0.0
    trace: str = ""


class Trouble(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written down of an input that a stage could not do: in `reason.json`, or in the schedule."""

    schema: int = 1
    stage: str
    version: str
    key: str
    input: str
    """The digest of the input's content (for a collected job, of its manifest)."""
    kind: Kind
    reason: str
    hint: str = ""
    flavour: str = ""
    """The digest of the stage's version and settings at the time."""
    name: str = ""
    """The name under which the input was dropped, where it is an accepted artifact."""
    source: str = ""
    """Where the input lies, relative to the outbox."""
    attempts: int = 1
    since: str = ""
    next: float = 0.0
    """Wall-clock seconds of the next attempt; 0 in quarantine."""
    trace: str = ""

    def text(self) -> str:
        """The reason, and what to do about it."""
        return f"{self.reason} — {self.hint}" if self.hint else self.reason


def guarded(run: Callable[[], T]) -> T | Failure:
    """Calls `run` and makes a failure of whatever it raises: the one place that catches everything.

    Only Busy goes through: a job that another process is at has not failed.
    """
    try:
        return run()
    except Busy:
        raise
    except BadInput as error:
        return Failure("input", error.reason, error.hint)
    except Unavailable as error:
        return Failure("unavailable", error.reason, error.hint, error.after)
    except JobError as error:
        return Failure("bug", error.reason, error.hint)
    except MemoryError:
        return Failure("bug", "there was not enough memory for it", "close other programs, or split the file")
    except Exception as error:  # noqa: BLE001 - a stage's bug must not end the watcher
        what = f"unexpected {type(error).__name__}: {error}"
        return Failure("bug", what, "this is a fault of the program: please report it", trace=traceback.format_exc())


class Schedule:
    """The next attempts of failed jobs, one small file each: they survive a restart, and all processes see them.

    If the file can't be written (the disk is full), the entry is kept in memory.
    """

    def __init__(self, workspace: Workspace, retries: Retries) -> None:
        self._folder = workspace.state / "retry"
        self.retries = retries
        self._entries: dict[tuple[str, str], Trouble] = {}
        self.refresh()

    def refresh(self) -> None:
        """Reads what other processes wrote."""
        self._entries = {(each.stage, each.input): each for each in read_all(self._folder)}

    def get(self, stage: str, digest: str) -> Trouble | None:
        """The entry of an input (by digest) at a stage."""
        return self._entries.get((stage, digest))

    def entries(self) -> list[Trouble]:
        """All entries, in no particular order."""
        return list(self._entries.values())

    def put(self, trouble: Trouble) -> None:
        """Writes an entry down, in place of an earlier one on the same input."""
        self._entries[trouble.stage, trouble.input] = trouble
        try:
            files.reached("schedule")
            files.write_durable(self._folder / trouble.stage / f"{trouble.input}.json", _dump(trouble))
        except Unavailable as error:
            log.warning("the next attempt is kept in memory only: %s", error)

    def drop(self, stage: str, digest: str) -> None:
        """Removes an entry, if there is one. Raises Unavailable."""
        if self._entries.pop((stage, digest), None) is not None:
            with files.surroundings():
                (self._folder / stage / f"{digest}.json").unlink(missing_ok=True)


def record(
    workspace: Workspace,
    schedule: Schedule,
    stage: Stage,
    sources: Sequence[Source],
    failure: Failure,
    voice: Voice,
) -> Trouble:
    """Writes a failure down: in quarantine (`next` is 0 then) or with the time of the next attempt."""
    digest, key, now = input_digest(stage, sources), key_of(stage, sources), voice.clock.now()
    before = schedule.get(stage.name, digest)
    attempts = before.attempts + 1 if before and before.key == key else 1
    final = failure.kind == "input" or (failure.kind == "bug" and attempts >= schedule.retries.attempts)
    trouble = Trouble(
        stage=stage.name,
        version=stage.version,
        key=key,
        input=digest,
        kind=failure.kind,
        reason=failure.reason,
        hint=failure.hint,
        flavour=flavour(stage.version, stage.settings()),
        name=_dropped_name(workspace, sources[0]) if stage.takes is Takes.EACH else "",
        source=os.path.relpath(sources[0].path, workspace.outbox) if len(sources) == 1 else "",
        attempts=attempts,
        since=before.since if before and before.key == key else stamp(now),
        next=0.0 if final else now + max(failure.after, wait_seconds(schedule.retries, attempts)),
        trace=failure.trace,
    )
    if final:
        accepted = sources[0].path if len(sources) == 1 else None
        quarantine.put(workspace, stage.name, digest, _dump(trouble), accepted)
        schedule.drop(stage.name, digest)
    else:
        schedule.put(trouble)
    return trouble


def wait_seconds(retries: Retries, attempts: int) -> float:
    """How long to wait after this many failed attempts, in seconds."""
    state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]
    state.attempt_number = attempts
    first, longest = retries.first_seconds, retries.longest_seconds
    return wait_exponential_jitter(multiplier=first, max=longest, jitter=first / 2)(state)


def _dropped_name(workspace: Workspace, source: Source) -> str:
    """The name of the one dropped file that an input was made of, "" if there were several."""
    try:
        receipt = read_receipt(workspace.job(source.stage, source.key))
        while receipt.stage != ARTIFACTS and len(receipt.inputs) == 1:
            receipt = read_receipt(workspace.job(receipt.inputs[0].stage, receipt.inputs[0].key))
    except ReceiptError:
        return ""
    return str(receipt.clock.get("name", ""))


def _dump(trouble: Trouble) -> bytes:
    return msgspec.json.format(msgspec.json.encode(trouble), indent=1) + b"\n"


def read_trouble(file: Path) -> Trouble | None:
    """The entry in a file; None if there is none, or (with a warning) if it can't be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Trouble)
    except (OSError, msgspec.DecodeError) as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            log.warning("%s can't be read: %s", file, error)
        return None


def read_all(folder: Path) -> Iterator[Trouble]:
    """All entries `STAGE/DIGEST.json` of the schedule, or all `STAGE/DIGEST/reason.json` of a quarantine."""
    for stage in names(folder):
        for name in names(folder / stage):
            file = folder / stage / name
            trouble = read_trouble(file if name.endswith(".json") else file / "reason.json")
            if trouble:
                yield trouble


def perform(
    workspace: Workspace, stage: Stage, inputs: Sequence[Path], retries: Retries, voice: Voice
) -> Done | Trouble:
    """`execute`, with a failure written down as the watcher would; `next` of what it returns is 0 if quarantined.

    Of a loose file nothing is written down: it waits nowhere. Neither is a job that was asked to stop a failed one.
    Raises BadInput if there is no such input, and what `execute` raises in these two cases.
    """
    workspace.make()
    sources = [identify(path) for path in inputs]
    result = guarded(lambda: execute_sources(workspace, stage, sources, voice))
    if isinstance(result, Done):
        Schedule(workspace, retries).drop(stage.name, input_digest(stage, sources))
        return result
    if voice.stopping() or not all(source.stage for source in sources):
        raise _as_error(result)
    return record(workspace, Schedule(workspace, retries), stage, sources, result, voice)


def _as_error(failure: Failure) -> JobError:
    if failure.kind == "input":
        return BadInput(failure.reason, failure.hint)
    if failure.kind == "unavailable":
        return Unavailable(failure.reason, failure.hint, after=failure.after)
    error = JobError(failure.reason, failure.hint)
    error.add_note(failure.trace)
    return error
