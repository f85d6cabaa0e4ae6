"""Which private repositories' findings are in a publication: its jobs' receipts back to the artifacts' provenance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from watcher.errors import BadInput
from watcher.lineage import sightings
from watcher.receipt import Input, ReceiptError, read_receipt
from watcher.stage import ARTIFACTS
from watcher.workspace import RECEIPT, Workspace


def private_sources(root: Path, folder: Path, stage: str, job: str) -> tuple[str, ...]:
    """The names of repositories that their provenance calls private, sorted.

    `folder` is what is published, if it is a job's; else the job of this stage and key in the workspace counts. What
    was dropped without provenance is not known to be private. Raises BadInput if a receipt is there and can't be read.
    """
    workspace = _workspace(root, folder, job)
    digests = set(_artifacts(workspace, stage, job))
    found = (each.provenance for each in sightings(workspace) if each.digest in digests)
    return tuple(sorted({str(each.get("repository", "unnamed")) for each in found if each.get("private") is True}))


def _workspace(root: Path, folder: Path, job: str) -> Workspace:
    """The workspace, with the outbox that the folder lies in (`--output-dir` makes another)."""
    outbox = folder.parents[2] if folder.name == job else root / "outbox"
    return Workspace(root) if outbox == root / "outbox" else Workspace(root, outbox)


def _artifacts(workspace: Workspace, stage: str, job: str) -> Iterator[str]:
    """The digests of the artifacts that a job was made of, each job looked at once."""
    seen, level = {job}, [(stage, job)]
    while level:
        inputs = [each for name, key in level for each in _inputs(workspace, name, key)]
        yield from (each.digest for each in inputs if each.stage == ARTIFACTS)
        level = [(each.stage, each.key) for each in inputs if each.stage not in ("", ARTIFACTS)]
        level = [(name, key) for name, key in dict.fromkeys(level) if key not in seen]
        seen.update(key for _, key in level)


def _inputs(workspace: Workspace, stage: str, job: str) -> list[Input]:
    folder = workspace.job(stage, job)
    if not (folder / RECEIPT).exists():
        return []  # made elsewhere, or pruned
    try:
        return list(read_receipt(folder).inputs)
    except ReceiptError as error:  # what came from where is not known: it may be private
        raise BadInput(str(error), "`scantune doctor` names what is damaged; make the job anew") from error
