"""The folder in which a process prepares what it will commit: one of its own, hidden, on the outbox's volume.

It is the process's for as long as it holds the folder's lock; what a killed one left there was never a result.
"""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

from watcher import files
from watcher.locks import Busy, held
from watcher.workspace import Workspace


class Scratch:
    """Use it as a context. Several of one process have different folders."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Scratch:
        for number in itertools.count():
            with contextlib.suppress(Busy):
                self._held.enter_context(_alone(self._workspace, f"{number:02d}"))
                break
        self._folder = _all(self._workspace) / f"{number:02d}"
        with files.surroundings():
            files.remove_tree(self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        with self._held:
            self.clear()

    def clear(self) -> None:
        """Removes what lies in it, as far as that is possible."""
        with contextlib.suppress(OSError):
            files.remove_tree(self._folder)

    def path(self, what: str) -> Path:
        """The path of something in it; the folder itself is made by `files.fresh_folder`, when first needed."""
        return self._folder.joinpath(what)


def remove_abandoned(workspace: Workspace) -> list[str]:
    """Removes the folders that no living process holds; returns what was in them."""
    removed = []
    for name in files.names(_all(workspace)):
        with contextlib.suppress(Busy), _alone(workspace, name):
            files.reached("tidy")
            removed += files.names(_all(workspace) / name) or [name]
            files.remove_tree(_all(workspace) / name)
    return removed


def _all(workspace: Workspace) -> Path:
    return workspace.outbox / ".scratch"


def _alone(workspace: Workspace, name: str) -> contextlib.AbstractContextManager[None]:
    return held(workspace.lock(f"scratch.{name}"), "another process works there")
