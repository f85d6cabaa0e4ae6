"""Training: a base model learns the rows of a dataset, in a process of its own; the engine never imports MLX.

rows.py        the two sides of a dataset         encode.py      rows as tokens, the completion marked
batches.py     order, buckets, packing            loss.py        the loss over completion tokens
optimizer.py   AdamW, clipped and guarded         loop.py        mlx-lm's `train`, fed by us
course.py      what happens between updates       checkpoints.py going on where a killed attempt was
parameters.py  the settings as they are used      adapters.py    LoRA, DoRA or all weights
records.py     what `training.json` says          curve.py       the picture
progress.py    what `status` says meanwhile
run.py         one training, all of it
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.settings import Settings
from watcher.errors import JobError
from watcher.stage import Attempt, Outcome, Stage, Takes

VERSION = "3"
"""Raised with whatever makes another result of the same rows and settings: weights, or what is said of them.

1 -> 2: `evaluation.json`, `metadata.json` and the card tell intervals, and the losses on the frozen test side.
2 -> 3: `training.json` and `metadata.json` tell how rows were drawn for validation, and how models were examined;
packed rows lie in wider sequences where that costs less.
"""


def stage(settings: Settings, root: Path, *, base_model: str | None = None, output_name: str | None = None) -> Stage:
    """The stage that trains on the newest dataset; it wants a process of its own and the accelerator's lock."""
    base = base_model or settings.default_base_model
    return Stage(
        name="training",
        version=VERSION,
        accepts=("dataset",),
        run=lambda inputs, out, attempt: _run(settings, root, base, output_name, inputs, out, attempt),
        settings=lambda: settings_read(settings, root, base, output_name),
        takes=Takes.NEWEST,
        interval_seconds=settings.fine_tuning.interval_seconds,
        ready=lambda inputs: not_ready(settings, root, inputs),
        lock="accelerator",
    )


def settings_read(settings: Settings, root: Path, base: str, output_name: str | None) -> Mapping[str, object]:
    """What a training depends on beside its rows; part of its job's key. An absent base has the revision ""."""
    from handlers.models.base import find_base
    from handlers.training.continual import start_of

    revision, start = "", None
    with contextlib.suppress(JobError):  # the run says what is wrong
        revision = find_base(base, settings, root).revision
        start = start_of(settings, root, revision)
    return {
        "base": base,
        "base_revision": revision,
        "start": start.weights if start else "",
        "name": output_name or "",
        "valid_share": settings.dataset.valid_share,
        "training": settings.fine_tuning.training.model_dump(mode="json"),
        "evaluation": settings.fine_tuning.evaluation.model_dump(mode="json"),
        "gradient_checkpointing": settings.fine_tuning.mlx.gradient_checkpointing,
    }


def not_ready(settings: Settings, root: Path, inputs: Sequence[Path]) -> str | None:
    """Why a dataset is not trained on for now, or None."""
    from handlers.training.enough import too_little

    return too_little(inputs[-1], root, settings.fine_tuning.min_new_examples) if inputs else "there is no dataset yet"


def _run(
    settings: Settings, root: Path, base: str, name: str | None, inputs: Sequence[Path], out: Path, attempt: Attempt
) -> Outcome:
    from handlers.models.base import find_base
    from handlers.models.need import need_mlx
    from handlers.training.continual import replayed, start_of
    from handlers.training.rows import load_sides

    need_mlx()
    from handlers.training.deliver import wish_of
    from handlers.training.run import Given, train

    found, chosen = find_base(base, settings, root), settings.fine_tuning.training
    sides = load_sides(inputs[0], settings.dataset.valid_share)
    start = start_of(settings, root, found.revision)
    if start is not None:
        sides = replayed(sides, start, chosen.replay_share, chosen.seed)
    below = settings.fine_tuning.workspace_dir or root / "state" / "training"
    given = Given(found, start, sides, settings, wish_of(settings, name), root, below / attempt.key[:16], attempt)
    return train(given, out)
