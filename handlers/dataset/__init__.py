"""The dataset: chat rows made of all narratives so far, split once and for ever into train and valid.

rows.py        rows as people write them, read and split by hand
groups.py      which findings are one problem          split.py    which side a problem is on
tasks.py       a narrative's examples                  prompts.py  their questions
shards.py      one narrative file's rows, cached       choose.py   which rows stand in the dataset
statistics.py  its figures                             card.py     its card
build.py       one build
"""

from __future__ import annotations

from pathlib import Path

from config.settings import Settings
from watcher.stage import Stage, Takes


def stage(settings: Settings, root: Path) -> Stage:
    """The stage that builds one dataset of all narratives so far; it wants a process of its own."""
    from handlers.dataset import build

    chosen = settings.dataset
    return Stage(
        name="dataset",
        version=build.VERSION,
        accepts=("narrative",),
        run=lambda inputs, out, attempt: build.build(settings, inputs, out, attempt),
        settings=lambda: build.settings_read(settings),
        takes=Takes.ALL,
        quiet_seconds=chosen.quiet_seconds,
        interval_seconds=chosen.interval_seconds,
    )
