"""The rows of a training: both sides of a dataset's folder, or a file of rows split by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from handlers.dataset.parts import file_name, side_files
from handlers.dataset.rows import Example, Rows, load_rows, split_rows
from handlers.dataset.split import SIDES
from handlers.records import Record
from watcher.errors import BadInput

NAMED = 5
"""How many bad lines are named one by one."""


STATISTICS = "statistics.json"


class Told(msgspec.Struct, frozen=True):
    """What counts of a dataset's statistics (`handlers.dataset.statistics`); reading all takes NumPy."""

    generations: dict[str, int] = {}  # depth: rows


class Sides(Record, frozen=True, kw_only=True):
    """What is learned, and what is held back to check it with; neither is empty."""

    train: tuple[Example, ...]
    valid: tuple[Example, ...]
    test: tuple[Example, ...] = ()  # a frozen side that decides nothing: models are only measured on it
    valid_share: float | None = None  # of rows that came without a valid side; None: the dataset has its own
    generation: int = 0  # the deepest of the rows (`records.Origin`), as the dataset's statistics count them
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over the rows of the first two sides, in order: what a model is made of."""
        return _digest(self.train, self.valid)

    @property
    def test_digest(self) -> str | None:
        """The same over the frozen side; None if there is none."""
        return _digest(self.test) if self.test else None


def _digest(*sides: Sequence[Example]) -> str:
    return hashlib.sha256(b"\n".join(map(msgspec.json.encode, sides))).hexdigest()


def load_sides(path: Path, valid_share: float) -> Sides:
    """Reads a dataset's folder with its sides, or one file; without a valid side the rows are split.

    Raises BadInput if there are no rows to train on or to check with.
    """
    files = {side: side_files(path, side) for side in SIDES}
    train, warnings = _load(files["train"] or (path / file_name("train", "") if path.is_dir() else path,))
    held, bad = _load(files["valid"])
    test, worse = _load(files["test"])
    warnings += bad + worse
    share = None if files["valid"] else valid_share
    train, valid = (train, held) if share is None else split_rows(train, share)
    for purpose, examples in (("train", train), ("validate", valid)):
        if not examples:
            raise BadInput(f"the dataset has no rows to {purpose} with", _why(warnings))
    deepest = _deepest(path) if path.is_dir() else 0
    return Sides(train=train, valid=valid, test=test, valid_share=share, generation=deepest, warnings=tuple(warnings))


def _deepest(folder: Path) -> int:
    """0 for rows that people split by hand, which come without statistics, or with others than ours."""
    file = folder / STATISTICS
    try:
        told = msgspec.json.decode(file.read_bytes(), type=Told) if file.is_file() else Told()
        return max(map(int, told.generations), default=0)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadInput(f"the dataset's {STATISTICS}: {error}", "build the dataset again, or remove that file") from None


def _load(files: Sequence[Path]) -> tuple[tuple[Example, ...], list[str]]:
    """The rows of a side's files in order, and what is wrong with some lines."""
    found = {file.name: load_rows(file) for file in files}
    warnings = [warning for name, rows in found.items() for warning in _bad_lines(name, rows)]
    return tuple(row for rows in found.values() for row in rows.examples), warnings


def _bad_lines(file: str, rows: Rows) -> list[str]:
    name = file if file.endswith(".jsonl") else "the file of rows"  # jobs rename a single one
    lines = [f"{name}: line {each.line} is no row: {each.reason}" for each in rows.bad[:NAMED]]
    more = len(rows.bad) - len(lines)
    return [*lines, f"{name}: {more} more lines are no rows"] if more else lines


def _why(warnings: Sequence[str]) -> str:
    return warnings[0] if warnings else "more data is needed"
