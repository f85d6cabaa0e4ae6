"""What the verbs that look into a workspace share: the open books, and how answers are printed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handlers.context import Context
from handlers.pipeline import every_stage
from handlers.tempo import retries
from watcher.aside import Aside
from watcher.errors import Unavailable
from watcher.failures import Schedule
from watcher.files import make_folder
from watcher.index import Index
from watcher.overview import cannot_write
from watcher.stage import Stage
from watcher.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Desk:
    """The open books."""

    workspace: Workspace
    stages: tuple[Stage, ...]
    index: Index
    schedule: Schedule
    unwritable: str = ""
    """Why nothing can be written in the workspace just now, where that showed."""


@contextlib.contextmanager
def desk(context: Context) -> Iterator[Desk]:
    """The books of the workspace, with every stage that there is; a new workspace is said to be one.

    Where nothing can be written, which is said too, the answers are worked out from the folders, in memory.
    """
    workspace = Workspace(context.root)
    if workspace.state.is_dir():
        make_folder(workspace.outbox)
        make_folder(workspace.quarantine)  # and no inbox: one whose volume is gone is not to be made anew
    else:
        workspace.make()
        print(f"{context.root}: a new workspace, nothing was done here before", file=sys.stderr)
    stages = every_stage(context)
    with contextlib.ExitStack() as opened:
        unwritable = ""
        try:
            index = opened.enter_context(Index(workspace, stages))
        except Unavailable as error:
            unwritable = cannot_write(workspace) or error.reason
            print(f"scantune: {unwritable}; the answer is worked out from the folders alone", file=sys.stderr)
            index = opened.enter_context(Aside(workspace, stages))
        yield Desk(workspace, stages, index, Schedule(workspace, retries(context.settings)), unwritable)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines in columns; the first column to the left, numbers to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if cell.isdigit() else cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
