"""The rows of a training: both sides of a dataset's folder, or a file of rows split by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from handlers.dataset.rows import Example, Rows, load_rows, split_rows
from handlers.records import Record
from watcher.errors import BadInput

TRAIN, VALID, TEST = "train.jsonl", "valid.jsonl", "test.jsonl"
NAMED = 5
"""So many bad lines are named one by one."""


class Sides(Record, frozen=True, kw_only=True):
    """What is learned, and what is held back to check it with; neither is empty."""

    train: tuple[Example, ...]
    valid: tuple[Example, ...]
    test: tuple[Example, ...] = ()  # a frozen side that decides nothing: models are only measured on it
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over the rows of the first two sides, in order: what a model is made of."""
        lines = (msgspec.json.encode(side) for side in (self.train, self.valid))
        return hashlib.sha256(b"\n".join(lines)).hexdigest()


def load_sides(path: Path, valid_share: float) -> Sides:
    """Reads a folder with train.jsonl (valid.jsonl, test.jsonl), or one file; without a valid side the rows are split.

    Raises BadInput if there are no rows to train on or to check with.
    """
    file = path / TRAIN if path.is_dir() else path
    found = load_rows(file)
    held = {name: load_rows(path / name) for name in (VALID, TEST) if (path / name).exists()} if path.is_dir() else {}
    warnings = _bad_lines(file.name, found)
    for name, side in held.items():
        warnings += _bad_lines(name, side)
    train, valid = (found.examples, held[VALID].examples) if VALID in held else split_rows(found.examples, valid_share)
    test = held[TEST].examples if TEST in held else ()
    for purpose, examples in (("train", train), ("validate", valid)):
        if not examples:
            raise BadInput(f"{path}: no rows to {purpose} with", _why(warnings))
    return Sides(train=train, valid=valid, test=test, warnings=tuple(warnings))


def _bad_lines(name: str, rows: Rows) -> list[str]:
    lines = [f"{name}: line {each.line} is no row: {each.reason}" for each in rows.bad[:NAMED]]
    more = len(rows.bad) - len(lines)
    return [*lines, f"{name}: {more} more lines are no rows"] if more else lines


def _why(warnings: Sequence[str]) -> str:
    return warnings[0] if warnings else "more data is needed"
