"""`retry`: lets inputs out of quarantine and back-off, and asks for stale ones to be run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from watcher import requests
from watcher.errors import BadInput
from watcher.failures import Schedule, Trouble, read_all
from watcher.index import Index
from watcher.lineage import SHORTEST
from watcher.quarantine import release
from watcher.receipt import flavour
from watcher.shown import printable
from watcher.stage import Stage
from watcher.workspace import Workspace


def retry_all(workspace: Workspace, schedule: Schedule) -> list[str]:
    """Everything that failed is tried again; returns STAGE/DIGEST of each."""
    return _again(workspace, schedule, lambda trouble: True)


def retry_some(workspace: Workspace, schedule: Schedule, words: Sequence[str]) -> list[str]:
    """What failed and is meant by a name, a path in the quarantine, or the first digits of a digest or key.

    Raises BadInput for a word by which nothing is meant.
    """
    known = list(_troubles(workspace, schedule))
    for word in words:
        if not any(_means(word, each, workspace) for each in known):
            raise BadInput(f"nothing that failed is known as {word}", "`scantune status` lists what failed")
    return _again(workspace, schedule, lambda trouble: any(_means(word, trouble, workspace) for word in words))


def retry_affected(workspace: Workspace, schedule: Schedule, index: Index, stage: Stage) -> list[str]:
    """What a stage did, or could not do, with another version or other settings than its present ones."""
    for job in (stale := index.stale(stage)):
        requests.ask(workspace, stage.name, job.input)
    kind = flavour(stage.version, stage.settings())
    failed = _again(workspace, schedule, lambda each: each.stage == stage.name and each.flavour != kind)
    requests.poke(workspace)
    return [f"{stage.name}/{job.input}" for job in stale] + failed


def _troubles(workspace: Workspace, schedule: Schedule) -> Iterable[Trouble]:
    yield from read_all(workspace.quarantine)
    yield from schedule.entries()


def _means(word: str, trouble: Trouble, workspace: Workspace) -> bool:
    folder, path = workspace.quarantined(trouble.stage, trouble.input), Path(word).absolute()
    if folder in (path, path.parent):
        return True
    prefix = word.lower().rsplit("/", 1)[-1]
    if len(prefix) >= SHORTEST and (trouble.input.startswith(prefix) or trouble.key.startswith(prefix)):
        return True
    return bool(trouble.name) and trouble.name in (printable(word), printable(Path(word).name))


def _again(workspace: Workspace, schedule: Schedule, wanted: Callable[[Trouble], bool]) -> list[str]:
    """The request is on the disk before the old reason goes: killed in between, the input still has a state."""
    asked = []
    for trouble in list(_troubles(workspace, schedule)):
        if wanted(trouble):
            requests.ask(workspace, trouble.stage, trouble.input)
            schedule.drop(trouble.stage, trouble.input)
            release(workspace, trouble.stage, trouble.input)
            asked.append(f"{trouble.stage}/{trouble.input}")
    requests.poke(workspace)
    return asked
