"""The state of a workspace in numbers, and the failures that wait for somebody or for a time."""

from __future__ import annotations

import os
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

LEAST_ROOM = 1_000_000
"""Bytes; with less free, the disk counts as full: hardly a job fits in."""


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
    unwritable: str
    """Why nothing can be written in the workspace just now, or ""."""
    inbox: int
    """Files in the inbox that are still to be taken."""
    not_taken: list[Odd]
    stages: list[StageState]
    troubles: list[Trouble]


def watched_by(workspace: Workspace) -> str | None:
    """Who holds the workspace's watcher lock."""
    file = workspace.lock("watcher")
    return (holder(file) or "another process") if is_held(file) else None


def cannot_write(workspace: Workspace) -> str:
    """Why nothing can be written in the workspace just now, as its volumes tell it; "" if something can.

    Raises OSError if they can't be asked.
    """
    return next(filter(None, map(_obstacle, (workspace.state, workspace.outbox))), "")


def _obstacle(folder: os.PathLike[str]) -> str:
    volume = os.statvfs(folder)
    if volume.f_flag & os.ST_RDONLY:
        return "the volume is read-only"
    blocks = volume.f_bavail if os.geteuid() else volume.f_bfree  # a part may be left to root
    if volume.f_blocks and (free := blocks * volume.f_frsize) < LEAST_ROOM:
        return f"the disk is full ({free:,} bytes are free)"
    return ""


def overview(
    workspace: Workspace,
    stages: Sequence[Stage],
    index: Index,
    retries: Retries,
    clock: Clock,
    *,
    unwritable: str = "",
) -> Overview:
    """`unwritable`: why nothing can be written, where that was found out. Raises Unavailable for unreadable folders."""
    with files.surroundings():
        look = Settling(workspace.inbox, float("inf"), clock, remove=False).look()
    troubles = Schedule(workspace, retries).entries()
    return Overview(
        workspace=str(workspace.root),
        watcher=watched_by(workspace),
        unwritable=unwritable or cannot_write(workspace),
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
