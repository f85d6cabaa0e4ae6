"""All sources of a dataset and their rows as columns, which choosing a few hundred thousand rows takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from handlers.dataset.making import Source

Items = npt.NDArray[np.void]  # (rows,) of ITEM
Numbers = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
ITEM = np.dtype(
    [
        ("key", "S16"),  # digest of the row's text: `rows.text_key`
        ("source", "<u4"),  # its place among the sources
        ("task", "<u4"),  # its place among the tasks
        ("start", "<u8"),  # of its line in the shard's rows
        ("size", "<u4"),  # bytes of that line without the newline
        ("tokens", "<u4"),
        ("shortened", "?"),
    ]
)
"""One row of a shard."""


class Shard(NamedTuple):
    """The wanted sources of a shard with their rows, and the number of each row in the shard's files."""

    sources: tuple[Source, ...]
    tasks: tuple[str, ...]
    items: Items
    places: Numbers


class Table(NamedTuple):
    """The sources of all shards; `source` and `task` of its items count through all of them."""

    sources: list[Source]
    shards: Numbers  # of each source: the number of its shard
    tasks: tuple[str, ...]  # in their order
    items: Items
    texts: Numbers  # of each row: the place of its key among all keys in their order, so equal texts are equal


def gather(shards: Sequence[Shard]) -> Table:
    """The table of `shards`."""
    tasks = tuple(sorted({task for shard in shards for task in shard.tasks}))
    codes = {task: number for number, task in enumerate(tasks)}
    columns, first = [np.empty(0, ITEM)], 0
    for shard in shards:
        items = shard.items.copy()
        items["source"] += first
        items["task"] = np.array([codes[task] for task in shard.tasks], dtype=np.uint32)[items["task"]]
        columns.append(items)
        first += len(shard.sources)
    items = np.concatenate(columns)
    _, texts = np.unique(items["key"], return_inverse=True)
    return Table(
        sources=[source for shard in shards for source in shard.sources],
        shards=np.repeat(np.arange(len(shards)), np.array([len(shard.sources) for shard in shards], dtype=np.intp)),
        tasks=tasks,
        items=items,
        texts=texts,
    )


def keys_of(items: Items) -> list[str]:
    """The keys in hexadecimal."""
    digits = items["key"].tobytes().hex()  # NumPy takes zeros off the end of a single value
    return [digits[start : start + 32] for start in range(0, len(digits), 32)]
