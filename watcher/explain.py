"""`why`: in which state an input is, at every stage, and for what reason."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from watcher.clock import Clock, stamp
from watcher.failures import Schedule, Trouble, read_trouble
from watcher.files import names
from watcher.index import Index
from watcher.ledger import Job
from watcher.lineage import SHORTEST, find, sightings
from watcher.overview import look_into_inbox, watched_by
from watcher.receipt import ReceiptError, read_receipt
from watcher.requests import asked
from watcher.shown import printable
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.workspace import Workspace

State = Literal[
    "in the inbox", "accepted", "done", "stale", "waiting", "retrying", "quarantined", "superseded", "unknown"
]


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of one input at one stage."""

    stage: str
    state: State
    subject: str
    """The name of an inbox file, or the digest of the input."""
    reason: str = ""
    hint: str = ""
    folder: str = ""
    names: list[str] = []
    """The names under which an accepted artifact was dropped."""
    warnings: list[str] = []
    next: str = ""
    """When it is tried next (UTC)."""


def why(
    workspace: Workspace, stages: Sequence[Stage], index: Index, schedule: Schedule, clock: Clock, words: str
) -> list[Step]:
    """What is known of a path, a name, or the first digits of a digest or key, following it through the stages."""
    in_inbox = list(_in_inbox(workspace, clock, words))
    troubles = list(_in_trouble(workspace, schedule, words))
    steps = list(_Question(workspace, stages, index, schedule, find(workspace, index, words)).answer())
    if in_inbox or troubles or steps:
        return [*in_inbox, *{(step.stage, step.subject): step for step in (*steps, *troubles)}.values()]
    reason = "nothing was accepted under this name, path, digest or key, and "
    gone = look_into_inbox(workspace, clock).gone
    reason += f"the inbox can't be asked: {gone}" if gone else "no file of the inbox has it (hidden ones stay there)"
    return [Step(stage="", state="unknown", subject=printable(words), reason=reason)]


def _in_inbox(workspace: Workspace, clock: Clock, words: str) -> Iterator[Step]:
    path = Path(words).absolute()
    name = printable(str(path.relative_to(workspace.inbox) if path.is_relative_to(workspace.inbox) else Path(words)))
    dropped = look_into_inbox(workspace, clock)
    for odd in dropped.odd:
        if odd.name == name:
            yield Step(stage=ARTIFACTS, state="in the inbox", subject=name, reason=f"it is not taken: {odd.why}")
    if name in dropped.names:
        by = watched_by(workspace)
        reason = "it is taken once it has lain still for the settling time and nobody has it open for writing"
        if dropped.gone:
            reason = f"nothing is taken: {dropped.gone}"
        hint = "" if by else "nobody watches this workspace just now: start `scantune run` or `scantune watch`"
        yield Step(stage=ARTIFACTS, state="in the inbox", subject=name, reason=reason, hint=hint)


def _in_trouble(workspace: Workspace, schedule: Schedule, words: str) -> Iterator[Step]:
    """For a path in the quarantine, and for inputs of later stages, which no job has for its key."""
    path = Path(words).absolute()
    for folder in (path, *path.parents):
        if folder.is_relative_to(workspace.quarantine) and (trouble := read_trouble(folder / "reason.json")):
            yield _trouble(workspace, trouble)
    if len(prefix := words.lower()) >= SHORTEST:
        yield from (_trouble(workspace, each) for each in schedule.entries() if each.input.startswith(prefix))
        for stage in names(workspace.quarantine):
            meant = [each for each in workspace.in_quarantine(stage) if each.startswith(prefix)]
            found = (read_trouble(workspace.quarantined(stage, each) / "reason.json") for each in meant)
            yield from (_trouble(workspace, each) for each in found if each)


class _Question:
    """What `why` asks of the books, each thing once: thousands of files may have come under one name."""

    def __init__(
        self, workspace: Workspace, stages: Sequence[Stage], index: Index, schedule: Schedule, jobs: Sequence[Job]
    ) -> None:
        """`jobs`: those that are followed."""
        self._workspace, self._stages, self._index, self._schedule = workspace, stages, index, schedule
        self._jobs = jobs
        self._followed: set[tuple[str, str]] = set()
        self._current = functools.cache(lambda stage: frozenset[Job](index.current(stage)))
        self._stale = functools.cache(lambda stage: frozenset[Job](index.stale(stage)))
        self._asked = functools.cache(lambda stage: frozenset[str](asked(workspace, stage)))
        self._in_set = functools.cache(self._in_latest)

    @functools.cached_property
    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {job.key: [] for job in self._jobs if job.stage == ARTIFACTS}
        for each in sightings(self._workspace) if names else ():
            if each.digest in names:
                names[each.digest].append(f"{each.name} ({each.when})")
        return names

    @functools.cached_property
    def _watched(self) -> bool:
        return bool(watched_by(self._workspace))

    def _in_latest(self, stage: str) -> frozenset[str]:
        """The inputs of the latest job of a stage that collects."""
        folders = [self._workspace.job(stage, job.key) for job in self._current(stage)]
        try:
            return frozenset(each.digest for folder in folders for each in read_receipt(folder).inputs)
        except ReceiptError:
            return frozenset()

    def answer(self) -> Iterator[Step]:
        """The steps of all jobs."""
        for job in self._jobs:
            yield from self._follow(job)

    def _follow(self, job: Job) -> Iterator[Step]:
        """The job itself, then what its output became, stage by stage; nothing that was told already."""
        if (job.stage, job.key) in self._followed:
            return
        self._followed.add((job.stage, job.key))
        if job.stage == ARTIFACTS:
            folder, names = str(self._workspace.job(ARTIFACTS, job.key)), self._names[job.key]
            yield Step(stage=ARTIFACTS, state="accepted", subject=job.key, folder=folder, names=names)
        else:
            yield self._done(next(each for each in self._stages if each.name == job.stage), job)
        for taker in self._stages:
            if job.stage in taker.accepts:
                yield from (self._collected if taker.takes is Takes.ALL else self._at)(taker, job)

    def _at(self, stage: Stage, source: Job) -> Iterator[Step]:
        trouble = read_trouble(self._workspace.quarantined(stage.name, source.output) / "reason.json")
        if trouble := trouble or self._schedule.get(stage.name, source.output):
            yield _trouble(self._workspace, trouble)
        elif done := self._index.on(stage.name, source.output):
            yield from self._follow(done[-1])
        else:
            yield self._waiting(stage, source)

    def _collected(self, stage: Stage, source: Job) -> Iterator[Step]:
        if source.output in self._in_set(stage.name):
            for latest in self._current(stage.name):
                yield from self._follow(latest)
        elif trouble := next((each for each in self._schedule.entries() if each.stage == stage.name), None):
            yield _trouble(self._workspace, trouble)
        elif source in self._current(source.stage):
            yield self._waiting(stage, source)
        else:
            reason = "the input was made anew, and the new one takes its place"
            yield Step(stage=stage.name, state="superseded", subject=source.output, reason=reason)

    def _waiting(self, stage: Stage, source: Job) -> Step:
        if stage.takes is Takes.NEWEST and source not in self._current(source.stage):
            reason = "a newer input takes its place"
            return Step(stage=stage.name, state="superseded", subject=source.output, reason=reason)
        artifact = source.stage == ARTIFACTS
        path = self._workspace.accepted(source.key) if artifact else self._workspace.job(source.stage, source.key)
        turn = "its turn has not come yet"
        if not self._watched:
            turn += "; nobody watches this workspace just now"
        reason = stage.waits_for([path]) or turn
        return Step(stage=stage.name, state="waiting", subject=source.output, reason=reason)

    def _done(self, stage: Stage, job: Job) -> Step:
        folder = self._workspace.job(job.stage, job.key)
        try:
            receipt = read_receipt(folder)
        except ReceiptError as error:
            return Step(
                stage=job.stage, state="unknown", subject=job.input, reason=str(error), hint="see `scantune doctor`"
            )
        stale = job in self._stale(stage)
        reason = "made with another version or other settings" if stale else ""
        hint = f"`scantune retry --affected-by {job.stage}` makes it again" if stale else ""
        if job.input in self._asked(job.stage):
            reason, hint = "it was asked to run again and waits for its turn", ""
        return Step(
            stage=job.stage,
            state="stale" if stale else "done",
            subject=job.input,
            folder=str(folder),
            reason=reason,
            hint=hint,
            warnings=list(receipt.warnings),
        )


def _trouble(workspace: Workspace, trouble: Trouble) -> Step:
    quarantined = not trouble.next
    tries = "" if quarantined else f"failed {trouble.attempts} times since {trouble.since}: "
    return Step(
        stage=trouble.stage,
        state="quarantined" if quarantined else "retrying",
        subject=trouble.input,
        reason=tries + trouble.reason,
        hint=trouble.hint,
        folder=str(workspace.quarantined(trouble.stage, trouble.input)) if quarantined else "",
        names=[trouble.name] if trouble.name else [],
        next="" if quarantined else stamp(trouble.next),
    )
