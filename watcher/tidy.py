"""Removes what killed processes left: scratch folders nobody works in any more, attempts nobody waits for.

Nothing of it was ever a result.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil

from watcher import files
from watcher.failures import Schedule
from watcher.index import Index
from watcher.locks import Busy, JobLocks, held
from watcher.requests import asked
from watcher.stage import ARTIFACTS
from watcher.workspace import Workspace


def clean_up(workspace: Workspace) -> list[str]:
    """Returns what it removed. What a living process works in is protected by the lock that the process holds."""
    removed = []
    for name in files.names(workspace.outbox / ".scratch"):
        with contextlib.suppress(Busy), _alone(workspace, name):
            files.reached("tidy")
            files.remove_tree(workspace.scratch(name))
            removed.append(name)
    return removed + _quarantine_scratch(workspace) + _resume_of_done(workspace)


@contextlib.contextmanager
def _alone(workspace: Workspace, name: str) -> Iterator[None]:
    """Holds the lock of whoever works in this scratch folder. Raises Busy if a living process does."""
    stage, key = name.split(".")[:2]
    if stage == ARTIFACTS:
        with held(workspace.lock("intake"), "another process is taking files"):
            yield
    else:
        with JobLocks(workspace) as locks:
            locks.take_alone(stage, key)
            yield


def forget_settled(workspace: Workspace, index: Index, schedule: Schedule) -> None:
    """Drops the next attempts of what is done or quarantined: a process was killed just before it would have."""
    for stage in {each.stage for each in schedule.entries()}:
        again = set(asked(workspace, stage))
        for each in [each for each in schedule.entries() if each.stage == stage and each.input not in again]:
            if index.done(stage, each.input) or index.quarantined(stage, each.input):
                schedule.drop(stage, each.input)


def _quarantine_scratch(workspace: Workspace) -> list[str]:
    folder = workspace.quarantine / ".scratch"
    stale = [name for name in files.names(folder) if not psutil.pid_exists(int(name.split(".")[0]))]
    for name in stale:
        files.remove_tree(folder / name)
    return stale


def _resume_of_done(workspace: Workspace) -> list[str]:
    keys = files.names(workspace.state / "resume")
    stages = files.names(workspace.outbox) if keys else []
    done = [key for key in keys if any(workspace.job(stage, key).exists() for stage in stages)]
    for key in done:
        files.remove_tree(workspace.resume(key))
    return done
