"""One build of the dataset: the set of narratives, their rows, the choice between them, and the files.

train.jsonl, valid.jsonl   one row a line, as mlx-lm and the Hub's `datasets` read them (test.jsonl: a setting)
lineage.jsonl              what each of those lines was made of, in the same order: train, valid, test
                           (each in several parts where it would be large: see parts.py)
statistics.json            `statistics.Statistics`
README.md, *.png, croissant.json   the card, its pictures, and the same for machines
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.dataset.card import write_card
from handlers.dataset.choose import Rules, choose
from handlers.dataset.croissant import write_croissant
from handlers.dataset.keep import Keep
from handlers.dataset.lines import Lines, find_lines
from handlers.dataset.making import make_maker, read_built
from handlers.dataset.parquet import write_parquet
from handlers.dataset.parts import side_files
from handlers.dataset.pictures import draw_pictures
from handlers.dataset.shards import emptied, make_shards
from handlers.dataset.split import SIDES, Side, side_of
from handlers.dataset.statistics import FILE, Statistics, measure
from handlers.dataset.write import write_rows
from watcher.errors import BadInput
from watcher.stage import Attempt, Outcome


@contextmanager
def _no_collector() -> Iterator[None]:
    """The garbage collector would look again and again at hundreds of thousands of records that have no cycles,
    also while pictures are drawn beside them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_no_collector()
def build(settings: Settings, root: Path, inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    """Builds the dataset of the narrative jobs' folders `inputs` into the empty folder `out`."""
    if not inputs:
        raise BadInput("there are no narratives to build a dataset from", "drop a report into inbox/ first")
    lines = find_lines(inputs)
    figures = write_sides(settings, root, lines, out, attempt)
    if settings.dataset.parquet:
        for side in figures.sides:
            for file in side_files(out, side):
                write_parquet(file, settings.dataset.format)
    draw_pictures(out, figures)
    write_croissant(out, figures)
    write_card(out / "README.md", figures)
    return _outcome(figures, lines)


def write_sides(settings: Settings, root: Path, lines: Lines, out: Path, attempt: Attempt) -> Statistics:
    """Writes the rows of `lines`, their lineage and their statistics."""
    maker = make_maker(settings, root)
    sides = SIDES if settings.dataset.test_share else SIDES[:2]
    keep = Keep(attempt.cache / maker.recipe.digest / "parts")
    with _cache_in_use(attempt.cache):
        shards = make_shards(lines.found, maker, attempt)
        choice = choose(shards, lines, rules_of(settings))
        write_rows(choice, shards, lines.homes, sides, out, keep)
    sizes = {side: [file.stat().st_size for file in side_files(out, side)] for side in sides}
    figures = measure(choice, lines, sizes, read_built(settings, maker.recipe))
    (out / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    return figures


@contextmanager
def _cache_in_use(cache: Path) -> Iterator[None]:
    """Anybody may empty a cache at any time: the job then waits and starts anew."""
    try:
        yield
    except FileNotFoundError as error:
        if error.filename is None or not Path(os.fsdecode(error.filename)).is_relative_to(cache):
            raise
        raise emptied() from error


def rules_of(settings: Settings) -> Rules:
    chosen = settings.dataset
    held = {"valid": chosen.valid_share, "test": chosen.test_share}
    side = partial(side_of, valid_share=chosen.valid_share, test_share=chosen.test_share)

    def of_sides(most: int) -> dict[Side, int]:
        return {side: max(1, round(most * held.get(side, 1))) for side in SIDES}

    return Rules(side, chosen.near_duplicate, of_sides(chosen.max_per_rule), of_sides(chosen.max_per_repository))


def _outcome(figures: Statistics, lines: Lines) -> Outcome:
    counts: dict[str, int | float | str] = {"narratives": figures.narratives, "problems": figures.problems}
    counts |= {name: side.rows for name, side in figures.sides.items()}
    bad = [f"a user's row, line {row.line}: {row.reason}" for row in lines.bad]
    waits = [f"training has to wait: {figures.waits}"] if figures.waits else []
    return Outcome(counts=counts, warnings=(*waits, *bad))
