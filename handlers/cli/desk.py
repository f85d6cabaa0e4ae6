"""What the verbs that look into a workspace share: the open books, and how answers are printed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from handlers.context import Context
from handlers.pipeline import every_stage
from handlers.tempo import retries
from watcher.failures import Schedule
from watcher.index import Index
from watcher.stage import Stage
from watcher.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Desk:
    """The open books."""

    workspace: Workspace
    stages: tuple[Stage, ...]
    index: Index
    schedule: Schedule


@contextlib.contextmanager
def desk(context: Context) -> Iterator[Desk]:
    """The books of the workspace, with every stage that there is; a new workspace is said to be one."""
    new = not (context.root / "state").is_dir()
    workspace = Workspace(context.root).make()
    if new:
        print(f"{context.root}: a new workspace, nothing was done here before", file=sys.stderr)
    stages = every_stage(context)
    with Index(workspace, stages) as index:
        yield Desk(workspace, stages, index, Schedule(workspace, retries(context.settings)))


def print_json(answer: object) -> None:
    """One JSON document on standard output."""
    print(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text in columns; the first column to the left, numbers to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if cell.isdigit() else cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
