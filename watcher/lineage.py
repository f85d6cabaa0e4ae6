"""From any job back to the dropped files it was made of, and forward to all that was made of it."""

from __future__ import annotations

import contextlib
import string
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from watcher.errors import BadInput
from watcher.index import Index
from watcher.intake import Sighting
from watcher.ledger import Job
from watcher.receipt import Input, ReceiptError, read_receipt
from watcher.shown import printable
from watcher.sources import KEY_LENGTH
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.workspace import Workspace

SHORTEST = 4


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """Where something comes from, and what came of it."""

    subject: list[str]
    """The jobs that the question was about, as STAGE/KEY."""
    made_of: list[str]
    """All jobs before them, nearest first; artifacts last."""
    dropped: list[Sighting]
    """When and under which names these artifacts came, with their provenance."""
    became: list[str]
    """All jobs after them, nearest first."""


def trace(workspace: Workspace, stages: Sequence[Stage], index: Index, words: str) -> Lineage:
    """Raises BadInput if nothing is known under this id, name or path."""
    jobs = find(workspace, index, words)
    if not jobs:
        raise BadInput(f"nothing is known of {words}", "give a name, a path, or the first digits of a digest or key")
    before, after = list(_before(workspace, index, jobs)), list(_after(workspace, stages, index, jobs))
    digests = {name.split("/")[1] for name in [*map(_name, jobs), *before] if name.startswith(f"{ARTIFACTS}/")}
    dropped = [each for each in sightings(workspace) if each.digest in digests]
    return Lineage(subject=[_name(job) for job in jobs], made_of=before, dropped=dropped, became=after)


def find(workspace: Workspace, index: Index, words: str) -> list[Job]:
    """The jobs meant by a path in the outbox, the name of a dropped file, or the first digits of a key or digest."""
    path = Path(words).absolute()
    for folder in (path, *path.parents):
        if len(folder.name) == KEY_LENGTH and folder.is_relative_to(workspace.outbox):
            return index.find(folder.name)
    is_prefix = SHORTEST <= len(words) <= KEY_LENGTH and set(words) <= set(string.hexdigits)
    if is_prefix and (jobs := index.find(words.lower())):
        return jobs  # else it may be a name that looks like one
    names = {printable(words), printable(Path(words).name)}
    if path.is_relative_to(workspace.inbox):
        names = {printable(str(path.relative_to(workspace.inbox)))}
    digests = dict.fromkeys(each.digest for each in sightings(workspace) if each.name in names)
    return [job for digest in digests for job in index.find(digest)]


def sightings(workspace: Workspace) -> Iterator[Sighting]:
    """All notes of what was dropped, oldest first.

    A line that a power failure cut short is left out: its file had not been removed from the inbox yet.
    """
    try:
        with (workspace.state / "sightings.jsonl").open("rb") as lines:
            for line in lines:
                with contextlib.suppress(msgspec.DecodeError):
                    yield msgspec.json.decode(line, type=Sighting)
    except FileNotFoundError:
        return


def _name(job: Job) -> str:
    return f"{job.stage}/{job.key}"


def _before(workspace: Workspace, index: Index, jobs: Sequence[Job]) -> Iterator[str]:
    """Follows contents: if several jobs made the same, all of them count."""
    makers: dict[str, dict[str, list[Job]]] = {}
    seen = {job.key for job in jobs}
    level = list(jobs)
    while level:
        deeper: dict[str, Job] = {}
        for each in [one for job in level for one in _inputs(workspace, job.stage, job.key)]:
            if each.stage not in makers:
                makers[each.stage] = _by_output(index.jobs(each.stage))
            found = makers[each.stage].get(each.digest, [])
            deeper |= {job.key: job for job in found if job.key not in seen}
        seen.update(deeper)
        level = list(deeper.values())
        yield from map(_name, level)


def _by_output(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.output, []).append(job)
    return found


def _inputs(workspace: Workspace, stage: str, key: str) -> list[Input]:
    if stage == ARTIFACTS:
        return []
    try:
        return [each for each in read_receipt(workspace.job(stage, key)).inputs if each.stage]
    except ReceiptError:
        return []


def _after(workspace: Workspace, stages: Sequence[Stage], index: Index, jobs: Sequence[Job]) -> Iterator[str]:
    collected = [
        (job, {each.digest for each in _inputs(workspace, job.stage, job.key)})
        for stage in stages
        if stage.takes is Takes.ALL
        for job in index.jobs(stage.name)
    ]
    seen = {job.key for job in jobs}
    level = list(jobs)
    while level:
        deeper = {job.key: job for each in level for job in _next(each, stages, index, collected)}
        level = [job for key, job in deeper.items() if key not in seen]
        seen.update(deeper)
        yield from map(_name, level)


def _next(job: Job, stages: Sequence[Stage], index: Index, collected: Iterable[tuple[Job, set[str]]]) -> Iterator[Job]:
    for stage in stages:
        if job.stage in stage.accepts and stage.takes is not Takes.ALL:
            yield from index.on(stage.name, job.output)
    yield from (taker for taker, digests in collected if job.output in digests)
