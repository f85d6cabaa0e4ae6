"""Shards: the finished rows of some lines, with all that choosing between rows must know.

A line's rows follow from the line and the recipe alone, so a shard that an earlier build left in the cache saves making
its rows again, and what a build writes is the same with and without. A shard is three files, the index written last:

    NAME.rows         the rows' lines
    NAME.signatures   uint32, shape (rows, near.PLACES)
    NAME.index        its sources (MessagePack)
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from handlers.dataset.lines import Line
from handlers.dataset.making import Item, Maker, Source
from handlers.dataset.near import PLACES, Signatures, Words, sign
from handlers.dataset.rows import text_key
from handlers.dataset.tasks import Draft
from handlers.dataset.worker import make_in_processes
from watcher.stage import Attempt

CHUNK = 1000
"""Lines that one shard holds at most; more than that are made in processes of their own."""
_words = Words()
_decoder = msgspec.msgpack.Decoder(tuple[Source, ...])


class Shard(NamedTuple):
    sources: tuple[Source, ...]
    rows: Path

    @property
    def signatures(self) -> Signatures:
        flat = np.fromfile(self.rows.with_suffix(".signatures"), dtype=np.uint32)
        return flat.reshape(-1, PLACES)


def make_shards(lines: Sequence[Line], maker: Maker, attempt: Attempt) -> list[Shard]:
    """The shards that hold `lines`, and no other source; what the cache lacks is made."""
    folder = attempt.cache / maker.recipe.digest
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {each.digest for each in lines}
    shards = []
    for index in sorted(folder.glob("*.index")):
        shard = _load(index, wanted)
        wanted.difference_update(each.digest for each in shard.sources)
        shards.append(shard)
    missing = [each for each in lines if each.digest in wanted]
    chunks = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
    if len(chunks) > 1:
        made = make_in_processes(chunks, maker, folder, attempt.say, attempt.stopping)
    else:
        made = (fill(maker, folder, chunk) for chunk in chunks)
    shards += [_load(index, wanted) for index in made]
    return [each for each in shards if each.sources]


def fill(maker: Maker, folder: Path, lines: Sequence[Line]) -> Path:
    """Makes one shard of `lines` and returns its index."""
    writer = Writer(maker)
    sources = [writer.add(*maker.make(line, text)) for line, text in _texts(lines)]
    name = hashlib.blake2b("".join(each.digest for each in lines).encode(), digest_size=12).hexdigest()
    _store(folder / f"{name}.rows", b"".join(writer.rows))
    _store(folder / f"{name}.signatures", sign(writer.texts, _words).tobytes())
    return _store(folder / f"{name}.index", msgspec.msgpack.encode(sources))


class Writer:
    """Collects the rows of a shard and knows where each stands."""

    def __init__(self, maker: Maker) -> None:
        self.rows: list[bytes] = []
        self.texts: list[str] = []
        self._maker = maker
        self._size = 0

    def add(self, source: Source, drafts: Iterable[Draft]) -> Source:
        """The source with its items; drafts with a fault are only counted."""
        items, faults = [], Counter[str]()
        for draft in drafts:
            if draft.fault is None:
                items.append(self._item(draft))
            else:
                faults[draft.fault] += 1
        return msgspec.structs.replace(source, items=tuple(items), faults=tuple(sorted(faults.items())))

    def _item(self, draft: Draft) -> Item:
        line = self._maker.line(draft.example)
        item = Item(
            key=text_key(draft.example),
            task=draft.task,
            start=self._size,
            size=len(line),
            place=len(self.rows),
            tokens=draft.tokens,
            shortened=draft.shortened,
        )
        self.rows.append(line + b"\n")
        self.texts.append(" ".join(each.content for each in draft.example.messages))
        self._size += len(line) + 1
        return item


def _texts(lines: Sequence[Line]) -> Iterator[tuple[Line, bytes]]:
    for file, group in groupby(sorted(lines, key=lambda each: (each.file, each.start)), key=lambda each: each.file):
        with file.open("rb") as content:
            for line in group:
                content.seek(line.start)
                yield line, content.read(line.size)


def _load(index: Path, wanted: set[str]) -> Shard:
    """A shard's wanted sources; none if it is not whole, whatever happened to the cache."""
    try:
        sources = _decoder.decode(index.read_bytes())
        rows, signatures = (index.with_suffix(f".{name}").stat().st_size for name in ("rows", "signatures"))
    except (OSError, msgspec.DecodeError):
        sources, rows, signatures = (), 0, 0
    items = [item for source in sources for item in source.items]
    if rows != sum(item.size + 1 for item in items) or signatures != 4 * PLACES * len(items):
        sources = ()
    return Shard(tuple(each for each in sources if each.digest in wanted), index.with_suffix(".rows"))


def _store(file: Path, content: bytes) -> Path:
    """Two processes that make the same shard write the same bytes, each to a scratch file of its own."""
    scratch = file.with_suffix(f".{os.getpid()}")
    scratch.write_bytes(content)
    scratch.replace(file)
    return file
