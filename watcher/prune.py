"""`prune`: removes what is old and counts no more. Never an accepted artifact, nor what anything current was made of.

Prunable are jobs that a later job on the same input (or, of a collected stage, a later job at all) has replaced,
the copies in the quarantine (the reason stays, and the artifact itself), and caches.
"""

from __future__ import annotations

import contextlib
import errno
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from watcher import files
from watcher.clock import Clock, stamp
from watcher.failures import read_all
from watcher.index import Index
from watcher.ledger import Job
from watcher.locks import Busy, JobLocks
from watcher.receipt import ReceiptError, read_receipt
from watcher.scratch import Scratch
from watcher.sources import size_of
from watcher.stage import Stage, Takes
from watcher.workspace import ARTIFACT, Workspace


class Prunable(msgspec.Struct, frozen=True):
    """Something that may go."""

    kind: str
    """`replaced`, `quarantined` or `cache`."""
    name: str
    folder: str
    bytes: int
    """What the disk gains: a file with further names elsewhere counts with the last of them."""


def prunable(
    workspace: Workspace, stages: Sequence[Stage], index: Index, clock: Clock, days: float, keep: frozenset[str]
) -> list[Prunable]:
    """What is older than `days` and serves nothing current; `keep` names further jobs (keys) that count as current."""
    moment, freed = max(0.0, clock.now() - days * 86_400), _Freed()
    before = stamp(moment)
    with index.still():
        found = list(_replaced(workspace, stages, index, before, keep, freed))
    for trouble in read_all(workspace.quarantine):
        copy = workspace.quarantined(trouble.stage, trouble.input) / ARTIFACT
        if trouble.since < before and copy.exists():
            found.append(Prunable("quarantined", f"{trouble.stage}/{trouble.input}", str(copy), freed.by(copy)))
    for stage in files.names(workspace.state / "cache"):
        folder = workspace.state / "cache" / stage
        with contextlib.suppress(FileNotFoundError):  # somebody else has emptied and removed it
            if folder.stat().st_mtime < moment and size_of(folder):
                found.append(Prunable("cache", stage, str(folder), freed.by(folder)))
    return found


class _Freed:
    """What goes, file by file: the copies in the quarantine and the parts of datasets may be links."""

    def __init__(self) -> None:
        self._going = Counter[tuple[int, int]]()

    def by(self, path: Path) -> int:
        """The bytes that the disk gains when this goes too."""
        with contextlib.suppress(FileNotFoundError):  # somebody else removes it
            return sum(map(self._last_name, files.tree(path) if path.is_dir() else [path]))
        return 0

    def _last_name(self, file: Path) -> int:
        status = file.lstat()
        if stat.S_ISDIR(status.st_mode):
            return 0
        self._going[status.st_dev, status.st_ino] += 1
        return status.st_size if self._going[status.st_dev, status.st_ino] == status.st_nlink else 0


def _replaced(
    workspace: Workspace, stages: Sequence[Stage], index: Index, before: str, keep: frozenset[str], freed: _Freed
) -> Iterator[Prunable]:
    jobs = {job.key: job for stage in stages for job in index.jobs(stage.name)}
    current = {job.key for stage in stages for job in index.current(stage.name)} | (jobs.keys() & keep)
    live = _with_inputs(workspace, jobs, current)
    old = {key for key, job in jobs.items() if job.started < before}
    for key in sorted(_removable(workspace, stages, jobs, old - live)):
        folder = workspace.job(jobs[key].stage, key)
        yield Prunable("replaced", f"{jobs[key].stage}/{key}", str(folder), freed.by(folder))


def _removable(workspace: Workspace, stages: Sequence[Stage], jobs: Mapping[str, Job], wanted: set[str]) -> set[str]:
    """Those of the wanted jobs without which no other job misses an input, and no input that stays becomes undone."""
    inputs = {key: _inputs(workspace, job) for key, job in jobs.items()}
    each = {stage.name for stage in stages if stage.takes is Takes.EACH}
    while True:
        needed = {taken for key in jobs.keys() - wanted for taken in inputs[key]}
        kept = {(jobs[key].stage, jobs[key].input) for key in jobs.keys() - wanted}
        stay = {
            key
            for key in wanted
            if key in needed
            or (jobs[key].stage in each and inputs[key] - wanted and (jobs[key].stage, jobs[key].input) not in kept)
        }
        if not stay:
            return wanted
        wanted = wanted - stay


def _with_inputs(workspace: Workspace, jobs: Mapping[str, Job], keys: set[str]) -> set[str]:
    """These jobs and all that they were made of."""
    live, level = set(keys), list(keys)
    while level:
        new = _inputs(workspace, jobs[level.pop()]) & jobs.keys() - live
        live |= new
        level += new
    return live


def _inputs(workspace: Workspace, job: Job) -> set[str]:
    try:
        return {each.key for each in read_receipt(workspace.job(job.stage, job.key)).inputs}
    except ReceiptError:
        return set()


def prune(workspace: Workspace, stages: Sequence[Stage], found: Sequence[Prunable]) -> list[Prunable]:
    """Removes them; returns those that are gone. A job that another process is at, or may be reading, stays."""
    gone = []
    for each in found:
        try:
            _remove(workspace, stages, each)
        except Busy:
            continue
        gone.append(each)
    return gone


def _remove(workspace: Workspace, stages: Sequence[Stage], each: Prunable) -> None:
    with files.surroundings():
        if each.kind == "cache":
            with contextlib.suppress(FileNotFoundError):
                for path in list(Path(each.folder).iterdir()):
                    with _unless_in_use():
                        files.remove_tree(path)
            return
        if each.kind == "quarantined":
            files.remove_tree(Path(each.folder))
            return
        stage, key = each.name.split("/")
        with JobLocks(workspace) as locks, Scratch(workspace) as scratch:
            for taker in stages:
                if stage in taker.accepts:  # whoever reads it holds one of these
                    locks.take_all(taker.name)
            with contextlib.suppress(FileNotFoundError):  # somebody else has pruned it
                files.move(each.folder, str(scratch.path(key)))  # gone as a whole, or not at all


@contextlib.contextmanager
def _unless_in_use() -> Iterator[None]:
    """A folder into which a stage writes at this moment stays until the next time."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
