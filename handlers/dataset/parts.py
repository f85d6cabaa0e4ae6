"""The files of a dataset: a side is one file, or in a large dataset many parts.

    train.jsonl       valid.jsonl       lineage.jsonl         up to WHOLE bytes of rows
    train-0110.jsonl  valid-0110.jsonl  lineage-0110.jsonl    beyond: the inputs whose digests begin with these bits

An input is a narrative job's file, and a row belongs to the input that its narrative stands in. So a new input changes
few parts; the others are the same bytes, and cost neither time nor disk (`keep.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

WHOLE = 64 << 20
"""Bytes of rows up to which each side is one file."""
PART = 4 << 20
"""Beyond, bytes of the rows of one part at most, unless they are of one input."""


def file_name(side: str, part: str) -> str:
    """The name of a part's file; a dataset in one piece has the one part ``."""
    return f"{side}-{part}.jsonl" if part else f"{side}.jsonl"


def side_files(folder: Path, side: str) -> tuple[Path, ...]:
    """The files of a side (or of the lineage) in their order; none if the folder has no such side."""
    whole = folder / file_name(side, "")
    return (whole,) if whole.is_file() else tuple(sorted(folder.glob(f"{side}-*.jsonl")))


def find_parts(sizes: Mapping[str, int]) -> dict[str, str]:
    """The part of each input, given the bytes of its rows by its digest: one part, or halves of halves."""
    if sum(sizes.values()) <= WHOLE:
        return dict.fromkeys(sizes, "")
    bits = {each: f"{int(each, 16):0{4 * len(each)}b}" for each in sizes}
    found: dict[str, str] = {}
    waiting = [("", list(sizes))]
    while waiting:
        part, inputs = waiting.pop()
        if len(inputs) <= 1 or sum(sizes[each] for each in inputs) <= PART:
            found |= dict.fromkeys(inputs, part)
        else:
            waiting += [(half, [each for each in inputs if bits[each].startswith(half)]) for half in _halves(part)]
    return found


def _halves(part: str) -> tuple[str, str]:
    return f"{part}0", f"{part}1"
