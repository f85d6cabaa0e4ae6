"""Which rows are trained together and how they lie in the arrays: every row once an epoch, little padding.

An *update* is one change of the weights, made from `batch_size * accumulation` rows (the last of an epoch from what is
left), which are computed in `accumulation` *batches*. The order is a function of (seed, epoch) alone, so that training
can go on at any update.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from handlers.training.encode import Row

WIDTH = 32
"""Widths of batches and counts of learned positions are multiples of this: few shapes, few compilations."""
REACH = 4096
"""A token costs as much as attention to so many others; this is about true where the hidden size is 1,024."""
BUCKET = 16
"""Padded rows are sorted by length within shuffled windows of this many updates: close lengths meet, in new company."""

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Batch:
    """One forward and backward pass. B sequences of T tokens, N learned positions, all padded."""

    tokens: Ints  # (B, T)
    segments: Ints | None  # (B, T): which row of the sequence a token belongs to, 0 for padding; None: one row each
    positions: Ints  # (N,): b * T + t of the hidden state that predicts a completion token
    labels: Ints  # (N,): that token
    mask: npt.NDArray[np.float32]  # (N,): 1 for a true position, 0 for padding
    divisor: float  # what the summed loss is divided by
    rows: tuple[int, ...]  # numbers of the rows


@dataclass(frozen=True, slots=True)
class Layout:
    """How batches are formed."""

    batch_size: int
    accumulation: int = 1
    packing: bool = True
    seed: int = 42
    reach: int = REACH

    @property
    def rows(self) -> int:
        """Rows of a full update."""
        return self.batch_size * self.accumulation

    def updates(self, rows: int) -> int:
        """Updates of an epoch."""
        return -(-rows // self.rows)


def epoch_updates(rows: Sequence[Row], layout: Layout, epoch: int) -> list[list[Row]]:
    """The rows of each update of an epoch (0-based): each row once.

    Without packing, rows of like length come together, so that little is padded. Packed rows waste nothing in any
    company, and learn better in mixed: rows of one length are often of one kind.
    """
    drawn = random.Random(f"{layout.seed}/{epoch}")
    order = drawn.sample(rows, len(rows))
    reach = layout.rows if layout.packing else BUCKET * layout.rows
    updates = []
    for begin in range(0, len(order), reach):
        window = sorted(order[begin : begin + reach], key=lambda row: len(row.tokens))
        updates += [window[at : at + layout.rows] for at in range(0, len(window), layout.rows)]
    drawn.shuffle(updates)
    return updates


def update_batches(rows: Sequence[Row], layout: Layout) -> list[Batch]:
    """The `accumulation` batches of one update; those of a short update may be empty.

    mlx-lm divides the summed gradients by `accumulation`: the divisors make that the mean over all completion tokens
    of the update, whatever batch they lie in.
    """
    divisor = sum(row.completion for row in rows) / layout.accumulation
    parts = (rows[at :: layout.accumulation] for at in range(layout.accumulation))
    return [make_batch(part, layout.packing, divisor, layout.reach) for part in parts]


def check_batches(rows: Sequence[Row], batch_size: int, packing: bool = False) -> Iterator[Batch]:
    """All rows, in order of length, for an evaluation: no row twice, none left out."""
    ordered = sorted(rows, key=lambda row: (-len(row.tokens), row.number))
    for at in range(0, len(ordered), batch_size):
        part = ordered[at : at + batch_size]
        yield make_batch(part, packing, float(sum(row.completion for row in part)))


def make_batch(rows: Sequence[Row], packing: bool, divisor: float, reach: int = REACH) -> Batch:
    """Lays rows out in sequences as wide as the longest row; packed ones share sequences, which may be wider."""
    width = _up(max((len(row.tokens) - 1 for row in rows), default=1))
    width, bins = pack(rows, width, reach) if packing else (width, [[row] for row in rows])
    shared = any(len(each) > 1 for each in bins)
    count = _up(sum(row.completion for row in rows))
    tokens, segments = np.zeros((2, max(len(bins), 1), width), np.int32)
    positions, labels = np.zeros((2, count), np.int32)
    mask = np.zeros(count, np.float32)
    filled = 0
    for line, each in enumerate(bins):
        begin = 0
        for segment, row in enumerate(each, start=1):
            end, learned = begin + len(row.tokens) - 1, slice(filled, filled + row.completion)
            tokens[line, begin:end] = row.tokens[:-1]
            segments[line, begin:end] = segment
            positions[learned] = np.arange(begin + row.start - 1, end) + line * width
            labels[learned] = row.tokens[row.start :]
            mask[learned] = 1
            begin, filled = end, learned.stop
    numbers = tuple(row.number for row in rows)
    return Batch(tokens, segments if shared else None, positions, labels, mask, divisor, numbers)


def pack(rows: Sequence[Row], least: int, reach: int) -> tuple[int, list[list[Row]]]:
    """The width, at least `least`, that costs least, and the rows in sequences of it.

    Wider sequences save padding, and cost attention: each token's work is as much as that of `reach` pairs of tokens.
    """
    used = sum(len(row.tokens) - 1 for row in rows)
    chosen, lowest, width = (least, fill(rows, least)), math.inf, least
    while used * (reach + width) < lowest:  # what neither this width nor a wider one can fall below
        bins = fill(rows, width)
        cost = len(bins) * width * (reach + width)
        if cost < lowest:
            chosen, lowest = (width, bins), cost
        width += WIDTH
    return chosen


def fill(rows: Sequence[Row], width: int) -> list[list[Row]]:
    """First fit, longest first: rows into as few sequences of `width` tokens as that finds."""
    bins: list[list[Row]] = []
    room: list[int] = []
    for row in sorted(rows, key=lambda row: (-len(row.tokens), row.number)):
        size = len(row.tokens) - 1
        at = next((index for index, free in enumerate(room) if free >= size), len(bins))
        if at == len(bins):
            bins.append([])
            room.append(width)
        bins[at].append(row)
        room[at] -= size
    return bins


def _up(count: int) -> int:
    return max(WIDTH, -(-count // WIDTH) * WIDTH)
