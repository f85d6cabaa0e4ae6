"""Makes one shard of some lines: their rows, and what is known of each. `shards.py` tells what its files are."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
import numpy as np

from handlers.dataset.lines import Line
from handlers.dataset.making import Maker, Source
from handlers.dataset.near import Words, sign
from handlers.dataset.rows import text_key
from handlers.dataset.table import ITEM
from handlers.dataset.tasks import Draft
from handlers.records import Record

_words = Words()


class Contents(Record, frozen=True, kw_only=True, array_like=True):
    """A shard's index."""

    sources: tuple[Source, ...]
    tasks: tuple[str, ...]
    rows: int


def fill(maker: Maker, folder: Path, lines: Sequence[Line]) -> Path:
    """Makes one shard of `lines` and returns its index."""
    writer = Writer(maker)
    for line, text in _texts(lines):
        writer.add(*maker.make(line, text))
    name = hashlib.blake2b("".join(each.digest for each in lines).encode(), digest_size=12).hexdigest()
    _store(folder / f"{name}.rows", b"".join(writer.rows))
    _store(folder / f"{name}.items", np.array(writer.items, dtype=ITEM).tobytes())
    _store(folder / f"{name}.signatures", sign(writer.texts, _words).tobytes())
    contents = Contents(sources=tuple(writer.sources), tasks=tuple(writer.tasks), rows=len(writer.rows))
    return _store(folder / f"{name}.index", msgspec.msgpack.encode(contents))


class Writer:
    """Collects the sources and rows of a shard and knows where each row stands."""

    def __init__(self, maker: Maker) -> None:
        self.sources: list[Source] = []
        self.tasks: dict[str, int] = {}
        self.rows: list[bytes] = []
        self.items: list[tuple[object, ...]] = []
        self.texts: list[str] = []
        self._maker = maker
        self._size = 0

    def add(self, source: Source, drafts: Iterable[Draft]) -> None:
        """Adds a source with its rows; drafts with a fault are only counted."""
        faults = Counter[str]()
        for draft in drafts:
            if draft.fault is None:
                self._add_row(draft)
            else:
                faults[draft.fault] += 1
        self.sources.append(msgspec.structs.replace(source, faults=tuple(sorted(faults.items()))))

    def _add_row(self, draft: Draft) -> None:
        line = self._maker.line(draft.example)
        key = bytes.fromhex(text_key(draft.example))
        task = self.tasks.setdefault(draft.task, len(self.tasks))
        place = len(self.sources), task, self._size, len(line)
        self.items.append((key, *place, draft.tokens, draft.shortened))  # as `ITEM`
        self.rows.append(line + b"\n")
        self.texts.append(" ".join(each.content for each in draft.example.messages))
        self._size += len(line) + 1


def _texts(lines: Sequence[Line]) -> Iterator[tuple[Line, bytes]]:
    for file, group in groupby(sorted(lines, key=lambda each: (each.file, each.start)), key=lambda each: each.file):
        with file.open("rb") as content:
            for line in group:
                content.seek(line.start)
                yield line, content.read(line.size)


def _store(file: Path, content: bytes) -> Path:
    """Two processes that make the same shard write the same bytes, each to a scratch file of its own."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_suffix(f".{os.getpid()}")
    scratch.write_bytes(content)
    scratch.replace(file)
    return file
