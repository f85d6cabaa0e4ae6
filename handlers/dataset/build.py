"""One build of the dataset: the set of narratives, their rows, the choice between them, and the files.

train.jsonl, valid.jsonl   one row a line, as mlx-lm and the Hub's `datasets` read them (test.jsonl: a setting)
lineage.jsonl              what each of those lines was made of, in the same order: train, valid, test
statistics.json            `statistics.Statistics`
README.md, *.png, croissant.json   the card, its pictures, and the same for machines
"""

from __future__ import annotations

import gc
import mmap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.dataset.card import write_card
from handlers.dataset.choose import Choice, Row, Rules, choose
from handlers.dataset.croissant import write_croissant
from handlers.dataset.lineage import FILE as LINEAGE
from handlers.dataset.lineage import Lineage
from handlers.dataset.lines import Lines, find_lines
from handlers.dataset.making import make_maker, read_built
from handlers.dataset.parquet import write_parquet
from handlers.dataset.pictures import draw_pictures
from handlers.dataset.shards import Shard, make_shards
from handlers.dataset.split import SIDES, Side, side_of
from handlers.dataset.statistics import FILE, Statistics, measure
from handlers.records import dump_lines
from watcher.errors import BadInput
from watcher.stage import Attempt, Outcome


def build(settings: Settings, root: Path, inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    """Builds the dataset of the narrative jobs' folders `inputs` into the empty folder `out`."""
    if not inputs:
        raise BadInput("there are no narratives to build a dataset from", "drop a report into inbox/ first")
    lines = find_lines(inputs)
    with _no_collector():
        figures = write_sides(settings, root, lines, out, attempt)
    if settings.dataset.parquet:
        for side in figures.sides:
            write_parquet(out / f"{side}.jsonl", settings.dataset.format)
    draw_pictures(out, figures)
    write_croissant(out, figures)
    write_card(out / "README.md", figures)
    return _outcome(figures, lines)


@contextmanager
def _no_collector() -> Iterator[None]:
    """The garbage collector would look again and again at hundreds of thousands of records that have no cycles."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def write_sides(settings: Settings, root: Path, lines: Lines, out: Path, attempt: Attempt) -> Statistics:
    """Writes the rows of `lines`, their lineage and their statistics."""
    maker = make_maker(settings, root)
    shards = make_shards(lines.found, maker, attempt)
    choice = choose(shards, lines.inputs, _rules(settings))
    sides = SIDES if settings.dataset.test_share else SIDES[:2]
    _write_rows(choice, shards, sides, out)
    sizes = {side: (out / f"{side}.jsonl").stat().st_size for side in sides}
    figures = measure(choice, lines, sizes, read_built(settings, maker.recipe))
    (out / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    return figures


def _rules(settings: Settings) -> Rules:
    chosen = settings.dataset
    held = {"valid": chosen.valid_share, "test": chosen.test_share}
    per_rule = {side: max(1, round(chosen.max_per_rule * held.get(side, 1))) for side in SIDES}
    side = partial(side_of, valid_share=chosen.valid_share, test_share=chosen.test_share)
    return Rules(side, chosen.near_duplicate, per_rule)


def _write_rows(choice: Choice, shards: Sequence[Shard], sides: Sequence[Side], out: Path) -> None:
    """Writes the sides' files and the lineage, in the order of the rows' digests."""
    with ExitStack() as stack:
        texts = [_mapped(shard.rows, stack) for shard in shards]
        for side in sides:
            with (out / f"{side}.jsonl").open("wb") as lines:
                for row in choice.rows:
                    if row.side == side:
                        lines.write(texts[row.shard][row.item.start : row.item.start + row.item.size + 1])
    dump_lines(out / LINEAGE, _lineages(choice, sides))


def _mapped(file: Path, stack: ExitStack) -> mmap.mmap | bytes:
    if not file.stat().st_size:
        return b""
    with file.open("rb") as content:
        return stack.enter_context(mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ))


def _lineages(choice: Choice, sides: Sequence[Side]) -> Iterator[Lineage]:
    for side in sides:
        for number, row in enumerate((each for each in choice.rows if each.side == side), start=1):
            yield _lineage(row, number, choice)


def _lineage(row: Row, line: int, choice: Choice) -> Lineage:
    source, problem = row.source, choice.problems[row.source.digest]
    return Lineage(
        row=row.item.key,
        side=row.side,
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


def _outcome(figures: Statistics, lines: Lines) -> Outcome:
    counts: dict[str, int | float | str] = {"narratives": figures.narratives, "problems": figures.problems}
    counts |= {name: side.rows for name, side in figures.sides.items()}
    bad = [f"a user's row, line {row.line}: {row.reason}" for row in lines.bad]
    waits = [f"training has to wait: {figures.waits}"] if figures.waits else []
    return Outcome(counts=counts, warnings=(*waits, *bad))
