"""`doctor`: proves from the folders alone that nothing was lost, done twice, or left half-made.

Every job's outputs are hashed again and compared with its receipt, and its key is worked out anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from watcher import files
from watcher.failures import Schedule
from watcher.index import Index
from watcher.lineage import sightings
from watcher.receipt import Output, Receipt, ReceiptError, digest_of, job_key, read_receipt, tree_digest
from watcher.requests import asked
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.workspace import RECEIPT, Workspace


class Fault(msgspec.Struct, frozen=True):
    """One thing that must not be."""

    where: str
    what: str


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """How many inputs are in which state at one stage: `accepted` is the sum of the others."""

    stage: str
    accepted: int
    done: int
    quarantined: int
    retrying: int
    waiting: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What `doctor` found, from the folders alone."""

    jobs: int
    """Jobs whose outputs were hashed again."""
    books: list[Books]
    faults: list[Fault]

    @property
    def balanced(self) -> bool:
        """Nothing is wrong."""
        return not self.faults


def audit(workspace: Workspace, stages: Sequence[Stage], index: Index, schedule: Schedule) -> Audit:
    """Reads the whole outbox. Raises Unavailable if it can't be read.

    Other processes may be at work meanwhile: a fault is what is wrong at the second look too.
    """
    first = _look(workspace, stages, index, schedule)
    if first.balanced:
        return first
    index.refresh()
    schedule.refresh()
    second, seen = _look(workspace, stages, index, schedule), set(first.faults)
    return msgspec.structs.replace(second, faults=[fault for fault in second.faults if fault in seen])


def _look(workspace: Workspace, stages: Sequence[Stage], index: Index, schedule: Schedule) -> Audit:
    faults: list[Fault] = []
    jobs = 0
    with files.surroundings():
        books = [_books(workspace, stage, index, schedule, faults) for stage in stages if stage.takes is Takes.EACH]
        for stage in (ARTIFACTS, *(stage.name for stage in stages)):
            known = set()
            for shard in files.names(workspace.outbox / stage):
                for key in files.names(workspace.outbox / stage / shard):
                    jobs += 1
                    known.add(key)
                    faults += _readable(workspace, stage, key)
            faults += _index(index, stage, known)
        faults += _conserved(workspace)
    return Audit(jobs=jobs, books=books, faults=faults)


def _readable(workspace: Workspace, stage: str, key: str) -> list[Fault]:
    try:
        return list(_job(workspace, stage, key))
    except FileNotFoundError as error:
        return [Fault(f"{stage}/{key}", f"it went while it was being read: {error.filename}")]


def _job(workspace: Workspace, stage: str, key: str) -> Iterator[Fault]:
    folder = workspace.job(stage, key)
    where = f"{stage}/{key}"
    try:
        receipt = read_receipt(folder)
    except ReceiptError as error:
        yield Fault(where, f"no usable receipt: {error}")
        return
    if (receipt.stage, receipt.key) != (stage, key) or key != _key(receipt):
        yield Fault(where, "its key is not the one of its stage, version, settings and inputs")
    found = {
        str(path.relative_to(folder)): Output(*files.hash_file(path)) for path in files.tree(folder) if path.is_file()
    }
    found.pop(RECEIPT)
    for name in sorted(found.keys() | receipt.outputs.keys()):
        if found.get(name) != receipt.outputs.get(name):
            yield Fault(f"{where}/{name}", "not what the receipt says" if name in found else "missing")
    if stage != ARTIFACTS and tree_digest(receipt.outputs) != receipt.output_digest:
        yield Fault(where, "its output digest does not fit its outputs")
    for each in receipt.inputs:
        if each.stage and not workspace.job(each.stage, each.key).exists():
            yield Fault(where, f"its input {each.stage}/{each.key} is gone")


def _key(receipt: Receipt) -> str:
    digests = sorted({each.digest for each in receipt.inputs})
    if receipt.stage == ARTIFACTS:
        return receipt.output_digest
    if receipt.input not in (digest_of(digests), digests[0]):
        return ""
    return job_key(receipt.stage, receipt.version, receipt.settings, digests)


def _index(index: Index, stage: str, known: set[str]) -> Iterator[Fault]:
    entered = {job.key for job in index.jobs(stage)}
    for key in sorted(entered ^ known):
        yield Fault(f"{stage}/{key}", "in the folders, not in the index" if key in known else "in the index only")


def _conserved(workspace: Workspace) -> Iterator[Fault]:
    """Whatever was taken from the inbox was written down before, so that it can be missed."""
    for digest in {each.digest for each in sightings(workspace)}:
        if not workspace.accepted(digest).exists():
            yield Fault(f"{ARTIFACTS}/{digest}", "it was dropped and taken, and is not there")


def _books(workspace: Workspace, stage: Stage, index: Index, schedule: Schedule, faults: list[Fault]) -> Books:
    """What failed, or is asked for again, lies in the folders, and the rest in the index: an input that went from one
    of them to another while they were read is not judged.
    """
    before = _in_folders(workspace, stage.name, schedule)
    quarantined = set(workspace.in_quarantine(stage.name))
    retrying = {each.input for each in schedule.entries() if each.stage == stage.name}
    again = set(asked(workspace, stage.name))
    with index.still():
        accepted = {job.output for source in stage.accepts for job in index.jobs(source)}
        done = {job.input for job in index.jobs(stage.name)}
        waiting = {row.input for row in index.waiting(stage.name, 0, -1)} - retrying
    moved = {digest for digest, _ in before ^ _in_folders(workspace, stage.name, schedule)}
    for what, digests in (
        ("done and in quarantine", (done & quarantined) - again),
        ("done and to be tried again", (done & retrying) - again),
        ("in quarantine and to be tried again", (quarantined & retrying) - again),
        ("done and waiting", (done & waiting) - again),
        ("in quarantine and waiting", (quarantined & waiting) - again),
        ("accepted, and in no state", accepted - done - quarantined - retrying - waiting - again),
        ("not accepted, and yet in a state", (quarantined | retrying | waiting) - accepted),
    ):
        faults += [Fault(f"{stage.name}/{digest}", what) for digest in sorted(digests - moved)]
    return Books(
        stage=stage.name,
        accepted=len(accepted),
        done=len(accepted & done),
        quarantined=len(accepted & quarantined),
        retrying=len(accepted & retrying),
        waiting=len(accepted & (waiting | again) - done - quarantined - retrying),
    )


def _in_folders(workspace: Workspace, stage: str, schedule: Schedule) -> set[tuple[str, float]]:
    """What failed and what is asked for again, each with what tells it from its own return a moment later."""
    schedule.refresh()
    found = {(each.input, each.next) for each in schedule.entries() if each.stage == stage}
    found |= {(digest, 0.0) for digest in asked(workspace, stage)}
    for digest in workspace.in_quarantine(stage):
        with contextlib.suppress(FileNotFoundError):
            found.add((digest, workspace.quarantined(stage, digest).stat().st_mtime))
    return found
