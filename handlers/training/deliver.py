"""The finished model of a training, and the note of it that stays in the job's folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.models.finish import Result, Wish, finish
from handlers.models.metadata import check_free
from handlers.upload.source import MODEL_RECORD, ModelRecord


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


def deliver(result: Result, wish: Wish, out: Path) -> Path:
    """Makes the finished model (or finds that of an earlier attempt) and writes `model.json`; returns its folder."""
    folder = finish(result, wish)
    before, after = result.before.loss, result.after.loss
    better = after < before
    reason = f"validation loss {after:.4f}, the base has {before:.4f}"
    record = ModelRecord(name=folder.name, promoted=better, reasons=() if better else (reason,))
    (out / MODEL_RECORD).write_bytes(msgspec.json.encode(record) + b"\n")
    return folder
