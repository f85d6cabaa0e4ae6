"""Shards: the finished rows of some lines, with all that choosing between rows must know.

A line's rows follow from the line and the recipe alone, so a shard that an earlier build left in the cache saves making
its rows again, and what a build writes is the same with and without. A shard is four files, the index written last:

    NAME.rows         the rows' lines
    NAME.items        what is known of each, as `table.ITEM`
    NAME.signatures   uint32, shape (rows, near.PLACES)
    NAME.index        its sources and tasks, and how many rows there are (MessagePack)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from handlers.dataset.fill import Contents, fill
from handlers.dataset.lines import Line
from handlers.dataset.making import Maker
from handlers.dataset.near import PLACES, Signatures
from handlers.dataset.table import ITEM, Items, Shard
from handlers.dataset.worker import make_in_processes
from watcher.errors import Unavailable
from watcher.stage import Attempt

CHUNK = 1000
"""Lines that one shard holds at most; more than that are made in processes of their own."""


class Stored(NamedTuple):
    """A shard and the file of its rows' lines."""

    shard: Shard
    rows: Path

    @property
    def signatures(self) -> Signatures:
        """Of each of its rows."""
        flat = np.fromfile(self.rows.with_suffix(".signatures"), dtype=np.uint32)
        return flat.reshape(-1, PLACES)[self.shard.places]


_decoder = msgspec.msgpack.Decoder(Contents)


def emptied() -> Unavailable:
    return Unavailable("the dataset's cache was emptied while a dataset was made", "it is made again by itself")


def make_shards(lines: Sequence[Line], maker: Maker, attempt: Attempt) -> list[Stored]:
    """The shards that hold `lines`, and no other source; what the cache lacks is made.

    Raises Unavailable if somebody empties the cache meanwhile.
    """
    folder = attempt.cache / maker.recipe.digest
    wanted = {each.digest for each in lines}
    shards = []
    for index in sorted(folder.glob("*.index")):
        stored = _load(index, wanted)
        wanted.difference_update(each.digest for each in stored.shard.sources)
        shards.append(stored)
    missing = [each for each in lines if each.digest in wanted]
    chunks = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
    if len(chunks) > 1:
        made = make_in_processes(chunks, maker, folder, attempt.say, attempt.stopping)
    else:
        made = (fill(maker, folder, chunk) for chunk in chunks)
    shards += [_load(index, wanted) for index in made]
    if sum(len(each.shard.sources) for each in shards) < len(lines):
        raise emptied()
    return [each for each in shards if each.shard.sources]


def _load(index: Path, wanted: set[str]) -> Stored:
    """A shard's wanted sources; none if it is not whole, whatever happened to the cache."""
    rows = index.with_suffix(".rows")
    try:
        contents = _decoder.decode(index.read_bytes())
        items = np.fromfile(index.with_suffix(".items"), dtype=ITEM)
        sizes = rows.stat().st_size, index.with_suffix(".signatures").stat().st_size
    except (OSError, msgspec.DecodeError):
        return Stored(Shard((), (), np.empty(0, ITEM), np.empty(0, np.intp)), rows)
    whole = len(items) == contents.rows and sizes == (int(items["size"].sum()) + len(items), 4 * PLACES * len(items))
    return Stored(_pick(contents, items, wanted if whole else set()), rows)


def _pick(contents: Contents, items: Items, wanted: set[str]) -> Shard:
    """What is wanted of a shard."""
    kept = np.array([each.digest in wanted for each in contents.sources], dtype=bool)
    if kept.all():
        return Shard(contents.sources, contents.tasks, items, np.arange(len(items)))
    places = np.flatnonzero(kept[items["source"]])
    items = items[places]
    items["source"] = (np.cumsum(kept) - 1)[items["source"]]
    sources = tuple(each for each, stays in zip(contents.sources, kept.tolist(), strict=True) if stays)
    return Shard(sources, contents.tasks, items, places)
