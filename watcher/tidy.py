"""Removes what killed processes left: scratch folders nobody works in any more, attempts nobody waits for.

Nothing of it was ever a result.
"""

from __future__ import annotations

import psutil

from watcher import files
from watcher.failures import Schedule
from watcher.index import Index
from watcher.requests import asked
from watcher.scratch import remove_abandoned
from watcher.workspace import Workspace


def clean_up(workspace: Workspace) -> list[str]:
    """Returns what it removed. What a living process works in is protected by the lock that the process holds."""
    return (
        remove_abandoned(workspace)
        + _quarantine_scratch(workspace)
        + _half_written(workspace)
        + _resume_of_done(workspace)
    )


def forget_settled(workspace: Workspace, index: Index, schedule: Schedule) -> None:
    """Drops the next attempts of what is done or quarantined: a process was killed just before it would have."""
    for stage in {each.stage for each in schedule.entries()}:
        again = set(asked(workspace, stage))
        for each in [each for each in schedule.entries() if each.stage == stage and each.input not in again]:
            if index.done(stage, each.input) or index.quarantined(stage, each.input):
                schedule.drop(stage, each.input)


def _quarantine_scratch(workspace: Workspace) -> list[str]:
    folder = workspace.quarantine / ".scratch"
    stale = [name for name in files.names(folder) if _of_a_dead_process(name.split(".")[0])]
    for name in stale:
        files.remove_tree(folder / name)
    return stale


def _of_a_dead_process(number: str) -> bool:
    return number.isdecimal() and not psutil.pid_exists(int(number))  # what has no number is not ours


def _half_written(workspace: Workspace) -> list[str]:
    """What was to replace a file (see `files.write_durable`) when its process was killed."""
    beside = [file for folder in ("retry", "again") for file in workspace.state.glob(f"{folder}/*/.*.*")]
    stale = [file for file in beside if _of_a_dead_process(file.suffix[1:])]
    for file in stale:
        file.unlink(missing_ok=True)
    return [file.name for file in stale]


def _resume_of_done(workspace: Workspace) -> list[str]:
    keys = files.names(workspace.state / "resume")
    stages = files.names(workspace.outbox) if keys else []
    done = [key for key in keys if any(workspace.job(stage, key).exists() for stage in stages)]
    for key in done:
        files.remove_tree(workspace.resume(key))
    return done
