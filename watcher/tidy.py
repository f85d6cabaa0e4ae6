"""Removes what killed processes left: scratch folders nobody works in any more. Nothing of it was ever a result."""

from __future__ import annotations

import contextlib

import psutil

from watcher import files
from watcher.locks import Busy, JobLocks, held
from watcher.stage import ARTIFACTS
from watcher.workspace import Workspace


def clean_up(workspace: Workspace) -> list[str]:
    """Returns what it removed. What a living process works in is protected by the lock that the process holds."""
    removed = []
    for name in files.names(workspace.outbox / ".scratch"):
        with contextlib.suppress(Busy), JobLocks(workspace) as locks:
            _protected(workspace, name, locks)
            files.reached("tidy")
            files.remove_tree(workspace.scratch(name))
            removed.append(name)
    return removed + _quarantine_scratch(workspace) + _resume_of_done(workspace)


def _protected(workspace: Workspace, name: str, locks: JobLocks) -> None:
    """Raises Busy if a living process works in this scratch folder."""
    stage, key = name.split(".")[:2]
    if stage == ARTIFACTS:
        with held(workspace.lock("intake"), "another process is taking files"):
            return
    locks.take(stage, key, wait=False)


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
