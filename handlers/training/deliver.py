"""The finished model of a training, and the note of it that stays in the job's folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.evaluation.verdict import Verdict
from handlers.models.contest import Contest, hold_contest
from handlers.models.finish import Result, Wish, finish
from handlers.models.metadata import check_free
from handlers.training.rows import Sides
from handlers.upload.source import MODEL_RECORD, ModelRecord
from watcher.clock import SYSTEM


def wish_of(settings: Settings, output_name: str | None) -> Wish:
    """A name given by hand is the folder's very name; without one, models are numbered."""
    name = output_name or settings.fine_tuning.default_output_name
    return Wish(
        models=settings.fine_tuned_models_dir,
        name=name,
        by_hand=output_name is not None,
        dataset_name=f"{settings.fine_tuning.default_output_name}-dataset",
    )


def check_name(wish: Wish, job: str) -> None:
    """Raises BadInput, before hours are spent, if a name given by hand is taken."""
    if wish.by_hand:
        check_free(wish.models, wish.name, job)


def deliver(result: Result, wish: Wish, out: Path, sides: Sides, settings: Settings, root: Path) -> Verdict:
    """Makes the finished model (or finds that of an earlier attempt), has it compete, and writes `model.json`.

    `root` is the workspace whose champion it meets, on what `sides` hold back.
    """
    folder = finish(result, wish)
    chosen = settings.fine_tuning
    contest = Contest(result, folder, sides, chosen.training.max_seq_length, chosen.evaluation, root)
    verdict = hold_contest(contest, out, SYSTEM)
    reasons = () if verdict.promoted else verdict.reasons
    record = ModelRecord(name=folder.name, promoted=verdict.promoted, reasons=reasons)
    (out / MODEL_RECORD).write_bytes(msgspec.json.encode(record) + b"\n")
    return verdict
