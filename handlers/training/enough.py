"""Whether a dataset has enough in it, and enough that is new, to be trained on. Reads figures only, no rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from handlers.dataset.statistics import load_statistics


class _Counts(msgspec.Struct):
    train: int
    valid: int


class _Seen(msgspec.Struct):
    """Of an earlier `training.json`."""

    dataset: _Counts


def too_little(dataset: Path, root: Path, wanted: int) -> str | None:
    """Why a dataset's folder should not be trained on yet, or None; `root` is the workspace."""
    figures = load_statistics(dataset)
    if figures.waits:
        return figures.waits
    rows = sum(side.rows for side in figures.sides.values())
    known = max(_trained_before(root), default=0)
    if known and rows - known < wanted:
        return f"{max(0, rows - known)} new examples of {wanted} needed (fine_tuning.min_new_examples)"
    return None


def _trained_before(root: Path) -> Iterator[int]:
    """The number of rows of each earlier training in this workspace."""
    for file in (root / "outbox" / "training").glob("*/*/training.json"):
        with contextlib.suppress(FileNotFoundError):  # a job that was thrown away meanwhile
            seen = msgspec.json.decode(file.read_bytes(), type=_Seen)
            yield seen.dataset.train + seen.dataset.valid
