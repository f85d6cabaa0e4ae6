"""Writes the chosen rows and their lineage, part by part, in the order of the rows' digests."""

from __future__ import annotations

import hashlib
import mmap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from handlers.dataset.choose import Choice
from handlers.dataset.keep import Keep
from handlers.dataset.lineage import LINEAGE, Lineage
from handlers.dataset.parts import file_name, find_parts
from handlers.dataset.shards import Stored
from handlers.dataset.split import Side
from handlers.dataset.table import Numbers, keys_of
from handlers.records import dump_lines


def write_rows(
    choice: Choice, shards: Sequence[Stored], homes: Mapping[str, str], sides: Sequence[Side], out: Path, keep: Keep
) -> None:
    """Writes each side's files and the lineage into `out`; `homes` tells the input of each source."""
    with ExitStack() as stack:
        texts = [_mapped(shard.rows, stack) for shard in shards]
        for part, rows in _by_part(choice, homes):
            mark, names = f"{part}-{_mark(rows, choice)}", [file_name(each, part) for each in (*sides, LINEAGE)]
            if not (part and keep.take(mark, out, names)):
                _write_part(part, rows, choice, texts, sides, out)
                if part:
                    keep.put(mark, out, names)
    keep.forget()


def _by_part(choice: Choice, homes: Mapping[str, str]) -> Iterator[tuple[str, Numbers]]:
    """The rows of each part in their order; without any row, one empty part."""
    table, items = choice.table, choice.table.items[choice.rows]
    of = items["source"]
    bytes_of = np.bincount(of, weights=items["size"] + np.int64(1), minlength=len(table.sources))
    home_of = {each: homes[table.sources[each].digest] for each in np.flatnonzero(bytes_of).tolist()}
    sizes: dict[str, int] = defaultdict(int)
    for each, home in home_of.items():
        sizes[home] += int(bytes_of[each])
    part_of = find_parts(sizes)
    parts = sorted(set(part_of.values())) or [""]
    places = np.zeros(len(table.sources), dtype=np.intp)
    number_of = {part: number for number, part in enumerate(parts)}
    places[list(home_of)] = [number_of[part_of[home]] for home in home_of.values()]
    order = np.argsort(places[of], kind="stable")
    ends = np.cumsum(np.bincount(places[of], minlength=len(parts)))
    return zip(parts, np.split(choice.rows[order], ends[:-1]), strict=True)


def _mark(rows: Numbers, choice: Choice) -> str:
    """Names all that a part's files depend on besides the recipe."""
    items = choice.table.items[rows]
    _, first, of = np.unique(items["source"], return_index=True, return_inverse=True)
    order = np.argsort(first)  # the sources as the rows name them, since their numbers differ from build to build
    said = [_told(each, choice) for each in items["source"][first[order]].tolist()]
    numbers = np.stack([np.argsort(order)[of], items["task"]]).astype("<u4").tobytes()
    return hashlib.blake2b(msgspec.msgpack.encode((choice.table.tasks, said, numbers)), digest_size=16).hexdigest()


def _told(source: int, choice: Choice) -> tuple[object, ...]:
    return choice.table.sources[source].digest, choice.sides[source], choice.groups[source], choice.problems[source]


def _write_part(
    part: str, rows: Numbers, choice: Choice, texts: Sequence[bytes], sides: Sequence[Side], out: Path
) -> None:
    written = list(_rows(rows, choice))
    for side in sides:
        with (out / file_name(side, part)).open("wb") as lines:
            for row in written:
                if choice.sides[row.source] == side:
                    lines.write(texts[row.shard][row.start : row.end])
    dump_lines(out / file_name(LINEAGE, part), _lineages(part, written, choice, sides))


class Row(NamedTuple):
    """A row as it is written."""

    key: str
    source: int
    task: str
    tokens: int
    shard: int
    start: int  # of its line in the shard's rows
    end: int


def _rows(rows: Numbers, choice: Choice) -> Iterator[Row]:
    table, items = choice.table, choice.table.items[rows]
    columns = (items[name].tolist() for name in ("source", "task", "tokens", "start", "size"))
    for key, source, task, tokens, start, size in zip(keys_of(items), *columns, strict=True):
        yield Row(key, source, table.tasks[task], tokens, int(table.shards[source]), start, start + size + 1)


def _mapped(file: Path, stack: ExitStack) -> bytes:
    """A file's content; a mapping slices like bytes and costs no memory of its own."""
    if not file.stat().st_size:
        return b""
    with file.open("rb") as content:
        return stack.enter_context(mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ))  # type: ignore[return-value]


def _lineages(part: str, rows: Sequence[Row], choice: Choice, sides: Sequence[Side]) -> Iterator[Lineage]:
    for side in sides:
        on_side = (row for row in rows if choice.sides[row.source] == side)
        for number, row in enumerate(on_side, start=1):
            yield _lineage(row, part, number, choice)


def _lineage(row: Row, part: str, line: int, choice: Choice) -> Lineage:
    source, problem = choice.table.sources[row.source], choice.problems[row.source]
    return Lineage(
        row=row.key,
        side=choice.sides[row.source],
        part=part,
        line=line,
        task=row.task,
        tokens=row.tokens,
        group=choice.groups[row.source],
        narrative=source.digest,
        fingerprint=source.fingerprint,
        tool=source.tool,
        rule_id=source.rule_id,
        pointer=source.pointer,
        member=source.member,
        licence=source.licence,
        origin=f"{source.origin.kind}@{source.origin.version}",
        generation=source.origin.generation,
        sightings=problem.sightings,
        tools=problem.tools,
    )
