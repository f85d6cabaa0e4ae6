"""The dataset: chat rows made of all narratives so far, split once and for ever into train and valid.

build.py       one build                               lines.py    the set of narratives
making.py      a narrative's rows, scrubbed, gated     shards.py   the same for many, kept from build to build
tasks.py       the tasks and their answers             prompts.py  their questions
gates.py       what a row must be like                 near.py     rows that say nearly the same
groups.py      which findings are one problem          split.py    which side a problem is on
choose.py      which rows stand in the dataset         lineage.py  where a row comes from
write.py       its files                               parts.py    their names; many where it is large
keep.py        parts shared from build to build        card.py     its card
statistics.py  its figures                             rows.py     rows as people write them
table.py       all rows as columns                     fill.py     one shard, made
worker.py      shards made in processes of their own   licences.py under which licence a text stands
croissant.py   the card for machines                   pictures.py the figures as pictures
parquet.py     the sides as Parquet
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from config.settings import Settings
from handlers.dataset.making import settings_read
from watcher.stage import Attempt, Outcome, Stage, Takes

VERSION = "4"


def stage(settings: Settings, root: Path) -> Stage:
    """The stage that builds one dataset of all narratives so far; it wants a process of its own."""

    def run(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        from handlers.dataset.build import build  # NumPy and more, which the watcher need not carry

        return build(settings, root, inputs, out, attempt)

    return Stage(
        name="dataset",
        version=VERSION,
        accepts=("narrative",),
        run=run,
        settings=lambda: settings_read(settings, root),
        takes=Takes.ALL,
        quiet_seconds=settings.dataset.quiet_seconds,
        interval_seconds=settings.dataset.interval_seconds,
    )
