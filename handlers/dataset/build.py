"""One build of the dataset: shards of all narratives, the choice between their rows, and the files.

train.jsonl, valid.jsonl   one chat row a line, as mlx-lm and the Hub's `datasets` read them
lineage.jsonl              what each of those lines was made of, in the same order: train first
statistics.json            `statistics.Statistics`
README.md                  the card
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.dataset.card import write_card
from handlers.dataset.choose import Choice, Row, choose
from handlers.dataset.shards import Index, Recipe, Shard, distinct, make_shard
from handlers.dataset.split import Side, side_of
from handlers.dataset.statistics import FILE, Made, Statistics, measure
from handlers.dataset.tasks import ANSWERS
from handlers.records import Record, dump_lines
from watcher.errors import BadInput
from watcher.stage import Attempt, Outcome

VERSION = "1"
WRITTEN: tuple[Side, ...] = ("train", "valid")


class Lineage(Record, frozen=True, kw_only=True):
    """Where one row comes from."""

    row: str  # digest of the row's text, whatever its case and white space
    side: Side
    line: int  # 1-based, in SIDE.jsonl
    task: str
    group: str
    narrative: str  # digest of the narrative that the row was made of
    fingerprint: str  # of the finding; empty for a person's row
    tool: str
    rule_id: str
    pointer: str
    member: str | None
    origin: str
    sightings: int  # of the problem, over all inputs
    tools: tuple[str, ...]  # that saw the problem


def recipe_of(settings: Settings) -> Recipe:
    return Recipe(tasks=tuple(ANSWERS))


def settings_read(settings: Settings) -> dict[str, object]:
    """The settings that a build depends on; part of its job's key."""
    return {"valid_share": settings.dataset.valid_share}


def build(settings: Settings, inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    """Builds the dataset of the narrative jobs' folders `inputs` into the empty folder `out`."""
    if not inputs:
        raise BadInput("there are no narratives to build a dataset from", "drop a report into inbox/ first")
    shards = list(_shards(distinct(inputs), attempt.cache, recipe_of(settings)))
    side = partial(side_of, valid_share=settings.dataset.valid_share)
    choice = choose([shard.sources for shard in shards], side)
    _write_rows(choice, shards, out)
    sizes: dict[Side, int] = {side: (out / f"{side}.jsonl").stat().st_size for side in WRITTEN}
    figures = measure(choice, _made(shards), sizes)
    (out / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    write_card(out / "README.md", figures)
    return _outcome(figures, shards)


def _shards(folders: dict[str, Path], cache: Path, recipe: Recipe) -> Iterator[Shard]:
    """The shards of `folders`, from the cache where they are there."""
    cache.mkdir(parents=True, exist_ok=True)
    made_by = hashlib.sha256(msgspec.json.encode(recipe) + VERSION.encode()).hexdigest()[:16]
    for key, folder in folders.items():
        rows, index = cache / f"{key}-{made_by}.rows", cache / f"{key}-{made_by}.index"
        if not (index.exists() and rows.exists()):
            _fill(folder, rows, index, recipe)
        made = msgspec.msgpack.decode(index.read_bytes(), type=Index)
        yield Shard(made.sources, made.bad, rows)


def _fill(folder: Path, rows: Path, index: Path, recipe: Recipe) -> None:
    """Makes one shard in the cache; the index comes last, so a shard with an index is whole."""
    scratch = rows.with_suffix(f".{os.getpid()}")
    made = make_shard(folder, scratch, recipe)
    scratch.replace(rows)
    scratch.write_bytes(msgspec.msgpack.encode(made))
    scratch.replace(index)


def _write_rows(choice: Choice, shards: Sequence[Shard], out: Path) -> None:
    """Writes the sides' files and the lineage, in the order of the rows' digests."""
    lineage = []
    with ExitStack() as stack:
        texts = [_mapped(shard.rows, stack) for shard in shards]
        for side in WRITTEN:
            with (out / f"{side}.jsonl").open("wb") as lines:
                for number, row in enumerate((each for each in choice.rows if each.side == side), start=1):
                    start = row.item.start
                    lines.write(texts[row.shard][start : start + row.item.size + 1])
                    lineage.append(_lineage(row, number, choice))
    dump_lines(out / "lineage.jsonl", lineage)


def _mapped(file: Path, stack: ExitStack) -> mmap.mmap | bytes:
    if not file.stat().st_size:
        return b""
    with file.open("rb") as content:
        return stack.enter_context(mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ))


def _lineage(row: Row, line: int, choice: Choice) -> Lineage:
    source, problem = row.source, choice.problems[row.source.digest]
    return Lineage(
        row=row.item.key,
        side=row.side,
        line=line,
        task=row.item.task,
        group=row.group,
        narrative=source.digest,
        fingerprint=source.fingerprint,
        tool=source.tool,
        rule_id=source.rule_id,
        pointer=source.pointer,
        member=source.member,
        origin=f"{source.origin.kind}@{source.origin.version}",
        sightings=problem.sightings,
        tools=problem.tools,
    )


def _made(shards: Sequence[Shard]) -> Made:
    sources = [source for shard in shards for source in shard.sources]
    by_user = sum(source.by_user for source in sources)
    return Made(
        inputs=len(shards),
        narratives=len(sources) - by_user,
        user_rows=by_user,
        rows=sum(len(source.items) for source in sources),
        bad=tuple(bad for shard in shards for bad in shard.bad),
    )


def _outcome(figures: Statistics, shards: Sequence[Shard]) -> Outcome:
    counts: dict[str, int | float | str] = {"narratives": figures.narratives, "problems": figures.problems}
    counts |= {name: side.rows for name, side in figures.sides.items()}
    bad = [f"a user's row, line {row.line}: {row.reason}" for shard in shards for row in shard.bad]
    waits = [f"training has to wait: {figures.waits}"] if figures.waits else []
    return Outcome(counts=counts, warnings=(*waits, *bad), incomplete=bool(bad))
