"""The state of a workspace in numbers, and the failures that wait for somebody or for a time."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from watcher import files
from watcher.clock import Clock
from watcher.failures import Retries, Schedule, Trouble, read_all
from watcher.index import Index
from watcher.locks import holder, is_held
from watcher.requests import asked
from watcher.settling import Odd, Settling
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.workspace import Workspace


class StageState(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage has done and has before it."""

    stage: str
    done: int
    incomplete: int
    """Of the done ones: with inputs of which a part could not be read."""
    waiting: int
    retrying: int
    quarantined: int
    stale: int
    """Done with another version or other settings; only `retry --affected-by` runs them again."""
    asked: int
    """Requested to run again."""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What `scantune status` tells."""

    workspace: str
    watcher: str | None
    """Who watches the workspace, or None."""
    inbox: int
    """Files in the inbox that are still to be taken."""
    not_taken: list[Odd]
    stages: list[StageState]
    troubles: list[Trouble]


def watched_by(workspace: Workspace) -> str | None:
    """Who holds the workspace's watcher lock."""
    file = workspace.lock("watcher")
    return (holder(file) or "another process") if is_held(file) else None


def overview(workspace: Workspace, stages: Sequence[Stage], index: Index, retries: Retries, clock: Clock) -> Overview:
    """Raises Unavailable if the folders can't be read."""
    with files.surroundings():
        look = Settling(workspace.inbox, float("inf"), clock, remove=False).look()
    troubles = Schedule(workspace, retries).entries()
    return Overview(
        workspace=str(workspace.root),
        watcher=watched_by(workspace),
        inbox=len(look.unsettled) + len(look.ready),
        not_taken=look.odd,
        stages=[_artifacts(index), *(_stage(workspace, stage, index, troubles) for stage in stages)],
        troubles=[*read_all(workspace.quarantine), *troubles],
    )


def _artifacts(index: Index) -> StageState:
    done = index.count("jobs", ARTIFACTS)
    return StageState(stage=ARTIFACTS, done=done, incomplete=0, waiting=0, retrying=0, quarantined=0, stale=0, asked=0)


def _stage(workspace: Workspace, stage: Stage, index: Index, troubles: Sequence[Trouble]) -> StageState:
    retrying = {each.input for each in troubles if each.stage == stage.name}
    waiting = index.count("waiting", stage.name) - len(retrying) if stage.takes is Takes.EACH else 0
    return StageState(
        stage=stage.name,
        done=index.count("jobs", stage.name),
        incomplete=index.count_incomplete(stage.name),
        waiting=max(0, waiting),
        retrying=len(retrying),
        quarantined=len(files.names(workspace.quarantine / stage.name)),
        stale=len(index.stale(stage)),
        asked=len(asked(workspace, stage.name)),
    )
