"""The state of a workspace in numbers, and the failures that wait for somebody or for a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from watcher import files
from watcher.clock import Clock
from watcher.errors import Unavailable
from watcher.failures import Retries, Schedule, Trouble, read_all
from watcher.index import Index
from watcher.locks import holder, is_held
from watcher.requests import asked
from watcher.settling import Odd, Settling
from watcher.shown import printable
from watcher.stage import ARTIFACTS, Stage, Takes
from watcher.workspace import Workspace

TRIED = 1000
"""Files of the inbox, at most, that are opened to see whether they can be."""
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
    inbox_gone: str
    """Why the inbox can't be looked into, or is not what it was; nothing is taken then."""
    not_taken: list[Odd]
    stages: list[StageState]
    troubles: list[Trouble]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What lies in the inbox."""

    names: list[str]
    """Of the files that are to be taken, settled or not."""
    odd: list[Odd]
    """What is not taken; among them the files that can't be opened, unless there are too many to try."""
    gone: str
    """Why the inbox can't be looked into, or is not what it was; or ""."""


def watched_by(workspace: Workspace) -> str | None:
    """Who holds the workspace's watcher lock."""
    file = workspace.lock("watcher")
    return (holder(file) or "another process") if is_held(file) else None


def cannot_write(workspace: Workspace) -> str:
    """Why nothing can be written in the workspace just now, as its volumes tell it; "" if something can."""
    try:
        with files.surroundings():
            folders = [each for each in (workspace.state, workspace.outbox) if each.is_dir()]
            return next(filter(None, map(_obstacle, folders)), "")
    except Unavailable as error:
        return error.reason


def _obstacle(folder: os.PathLike[str]) -> str:
    volume = os.statvfs(folder)
    if volume.f_flag & os.ST_RDONLY:
        return "the volume is read-only"
    blocks = volume.f_bavail if os.geteuid() else volume.f_bfree  # a part may be left to root
    if volume.f_blocks and (free := blocks * volume.f_frsize) < LEAST_ROOM:
        return f"the disk is full ({free:,} bytes are free)"
    return ""


def look_into_inbox(workspace: Workspace, clock: Clock) -> Dropped:
    """Raises OSError if something other than the surroundings is at fault."""
    settling = Settling(workspace.inbox, float("inf"), clock, remove=False, window=float("inf"))
    try:
        with files.surroundings():
            if not stat.S_ISDIR(workspace.inbox.stat().st_mode):
                return Dropped([], [], f"{workspace.inbox} is no folder")
            look, gone = settling.look(), workspace.inbox_gone()
    except FileNotFoundError:
        return Dropped([], [], f"{workspace.inbox} is not there")
    except Unavailable as error:
        return Dropped([], [], error.reason)
    names = [*(each.name for each in look.ready), *look.unsettled]
    tried = names if len(names) <= TRIED else []
    refused = {name: why for name in tried if (why := _refused(workspace.inbox / name))}
    odd = [*look.odd, *(Odd(printable(name), f"it can't be taken: {why}") for name, why in refused.items())]
    return Dropped([printable(name) for name in names if name not in refused], odd, gone)


def _refused(file: Path) -> str:
    """What the system says if a file can't be read, for a reason that is the file's own; "" if it can."""
    try:
        handle = files.open_regular(file)
        try:
            os.pread(handle, 1, 0)
        finally:
            os.close(handle)
    except OSError as error:
        return files.PASSING.get(error.errno or 0, "")
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
    dropped = look_into_inbox(workspace, clock)
    troubles = Schedule(workspace, retries).entries()
    return Overview(
        workspace=str(workspace.root),
        watcher=watched_by(workspace),
        unwritable=unwritable or cannot_write(workspace),
        inbox=len(dropped.names),
        inbox_gone=dropped.gone,
        not_taken=dropped.odd,
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
        quarantined=len(workspace.in_quarantine(stage.name)),
        stale=len(index.stale(stage)),
        asked=len(asked(workspace, stage.name)),
    )
