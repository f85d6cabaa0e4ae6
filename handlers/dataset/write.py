"""Writes the chosen rows and their lineage, part by part, in the order of the rows' digests."""

from __future__ import annotations

import hashlib
import mmap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from handlers.dataset.choose import Choice, Row
from handlers.dataset.keep import Keep
from handlers.dataset.lineage import LINEAGE, Lineage
from handlers.dataset.parts import file_name, find_parts
from handlers.dataset.shards import Shard
from handlers.dataset.split import Side
from handlers.records import dump_lines


def write_rows(
    choice: Choice, shards: Sequence[Shard], homes: Mapping[str, str], sides: Sequence[Side], out: Path, keep: Keep
) -> None:
    """Writes each side's files and the lineage into `out`; `homes` tells the input of each source."""
    parts = _by_part(choice.rows, homes)
    with ExitStack() as stack:
        texts = [_mapped(shard.rows, stack) for shard in shards]
        for part, rows in sorted(parts.items()):
            mark = f"{part}-{_mark(rows, choice)}"
            if not (part and keep.take(mark, out)):
                names = _write_part(part, rows, choice, texts, sides, out)
                if part:
                    keep.put(mark, out, names)
    keep.forget()


def _by_part(rows: Sequence[Row], homes: Mapping[str, str]) -> dict[str, list[Row]]:
    """The rows of each part in their order; without any row, one empty part."""
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        sizes[homes[row.source.digest]] += row.item.size + 1
    part_of = find_parts(sizes)
    parts: dict[str, list[Row]] = {part: [] for part in part_of.values()} or {"": []}
    for row in rows:
        parts[part_of[homes[row.source.digest]]].append(row)
    return parts


def _mark(rows: Sequence[Row], choice: Choice) -> str:
    """Names all that a part's files depend on besides the recipe."""
    said = [(row.source.digest, row.item.task, row.side, row.group) for row in rows]
    problems = [choice.problems[digest] for digest in dict.fromkeys(row.source.digest for row in rows)]
    seen = [(each.sightings, each.tools) for each in problems]
    return hashlib.blake2b(msgspec.msgpack.encode((said, seen)), digest_size=16).hexdigest()


def _write_part(
    part: str, rows: Sequence[Row], choice: Choice, texts: Sequence[bytes], sides: Sequence[Side], out: Path
) -> list[str]:
    names = []
    for side in sides:
        names.append(file_name(side, part))
        with (out / names[-1]).open("wb") as lines:
            for row in rows:
                if row.side == side:
                    lines.write(texts[row.shard][row.item.start : row.item.start + row.item.size + 1])
    names.append(file_name(LINEAGE, part))
    dump_lines(out / names[-1], _lineages(part, rows, choice, sides))
    return names


def _mapped(file: Path, stack: ExitStack) -> bytes:
    """A file's content; a mapping slices like bytes and costs no memory of its own."""
    if not file.stat().st_size:
        return b""
    with file.open("rb") as content:
        return stack.enter_context(mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ))  # type: ignore[return-value]


def _lineages(part: str, rows: Sequence[Row], choice: Choice, sides: Sequence[Side]) -> Iterator[Lineage]:
    for side in sides:
        for number, row in enumerate((each for each in rows if each.side == side), start=1):
            yield _lineage(row, part, number, choice)


def _lineage(row: Row, part: str, line: int, choice: Choice) -> Lineage:
    source, problem = row.source, choice.problems[row.source.digest]
    return Lineage(
        row=row.item.key,
        side=row.side,
        part=part,
        line=line,
        task=row.item.task,
        tokens=row.item.tokens,
        group=row.group,
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
