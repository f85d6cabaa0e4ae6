"""Makes the finished model of a training: one flat folder, whole from the moment that its name is there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from handlers.evaluation.record import Compared, Evaluation, Evaluations
from handlers.models.base import Base, content_revision, read_source
from handlers.models.card import model_card
from handlers.models.folder import commit, place
from handlers.models.fuse import fuse
from handlers.models.metadata import (
    Clock,
    Losses,
    Metadata,
    Tested,
    Versions,
    check_free,
    find_job,
    keep_name,
    next_name,
    write_metadata,
)
from handlers.training.records import Trained
from handlers.upload.publication import ATTRIBUTES, CARD, attributes
from watcher.files import make_folder, remove_tree

ADAPTERS = "adapters"
ADAPTER_FILES = ("adapters.safetensors", "adapter_config.json")
OWN_LICENCE = "apache-2.0"  # of the embedded model


@dataclass(frozen=True, slots=True)
class Wish:
    """What the finished model is to be called, and where it is to lie."""

    models: Path  # fine_tuned_models_dir
    name: str
    by_hand: bool = False  # the folder's very name, which must be free; else NAME-vN
    dataset_name: str = "scantune-dataset"  # as the card names it


@dataclass(frozen=True, slots=True)
class Result:
    """All that a training and its evaluations left."""

    trained: Trained
    clock: Clock
    base: Base
    adapter: Path  # folder with adapters.safetensors and adapter_config.json
    losses: Evaluations  # of the base, and of base + adapter


def finish(result: Result, wish: Wish) -> Path:
    """The folder of the finished model, made now or by an earlier attempt of the same job.

    Raises BadInput if a name given by hand is taken, Unavailable if another process makes a model there just now.
    """
    with place(wish.models):
        there = find_job(wish.models, result.trained.key)
        if there is not None:
            return there
        if wish.by_hand:
            check_free(wish.models, wish.name, result.trained.key)
        name = wish.name if wish.by_hand else next_name(wish.models, wish.name)
        scratch = wish.models / f".{name}.making"
        remove_tree(scratch)
        _fill(make_folder(scratch), name, result, wish)
        if not wish.by_hand:
            keep_name(wish.models, name)
        commit(scratch, wish.models / name)
        return wish.models / name


def _fill(folder: Path, name: str, result: Result, wish: Wish) -> None:
    fuse(result.base.path, result.adapter, folder)
    for file in ADAPTER_FILES:
        shutil.copyfile(result.adapter / file, make_folder(folder / ADAPTERS) / file)
    metadata = _metadata(name, content_revision(folder), result, wish)
    write_metadata(folder, metadata)
    (folder / CARD).write_text(model_card(metadata, _licence(result.base)), encoding="utf-8")
    (folder / ATTRIBUTES).write_bytes(attributes())


def _licence(base: Base) -> str | None:
    if base.embedded:
        return OWN_LICENCE
    source = read_source(base.path)
    return source.licence if source else None


def _metadata(name: str, weights: str, result: Result, wish: Wish) -> Metadata:
    trained, source = result.trained, read_source(result.base.path)
    return Metadata(
        name=name,
        job=trained.key,
        base_model=source.repository if source else result.base.name,
        base_model_commit=source.revision if source else None,
        base_folder=result.base.name,
        base_revision=result.base.revision,
        embedded=result.base.embedded,
        started_from=trained.started_from,
        dataset_name=wish.dataset_name,
        dataset_digest=trained.dataset.digest,
        dataset=trained.dataset,
        parameters=trained.parameters,
        updates=trained.updates,
        best_update=trained.best_update,
        trainable_parameters=trained.trainable,
        before=_losses(result.losses.base),
        after=_losses(result.losses.tuned),
        valid_tokens=result.losses.tuned.tokens,
        test=_tested(result.losses.test) if result.losses.test else None,
        weights=weights,
        versions=Versions(scantune=version("scantune"), mlx=trained.mlx, mlx_lm=trained.mlx_lm),
        clock=result.clock,
    )


def _losses(evaluation: Evaluation) -> Losses:
    return Losses(loss=evaluation.loss, perplexity=evaluation.perplexity, interval=evaluation.interval)


def _tested(test: Compared) -> Tested:
    return Tested(before=_losses(test.base), after=_losses(test.tuned), rows=test.tuned.rows, tokens=test.tuned.tokens)
