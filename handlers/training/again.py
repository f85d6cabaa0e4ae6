"""A training once more, from what the metadata of its model says."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.models.base import find_base
from handlers.models.metadata import METADATA, Metadata, read_metadata
from handlers.training.continual import replayed, start_of
from handlers.training.rows import load_sides
from watcher.errors import BadInput, Unavailable
from watcher.receipt import ReceiptError, read_receipt
from watcher.workspace import Workspace


def read_recipe(path: Path) -> Metadata:
    """The metadata in a model's folder, or in the file itself. Raises BadInput if it can't be read."""
    return read_metadata(path.parent if path.name == METADATA else path)


def settings_again(settings: Settings, recipe: Metadata) -> Settings:
    """The settings with those of an earlier training, as it used them, in their place."""
    used, below = recipe.parameters, settings.fine_tuning
    plan, share, examined = used.schedule, recipe.dataset.valid_share, used.examination
    chosen = below.training.model_copy(
        update={
            "learning_rate": plan.learning_rate,
            "batch_size": used.batch_size,
            "max_epochs": used.epochs,
            "max_updates": plan.updates,
            "warmup_steps": plan.warmup,
            "save_steps": plan.save_every,
            "eval_steps": plan.eval_every,
            "patience": used.patience,
            "gradient_accumulation": used.accumulation,
            "clip_norm": used.clip_norm,
            "max_seq_length": used.max_seq_length,
            "packing": used.packing,
            "method": used.method,
            "layers": used.layers,
            "lora_rank": used.rank,
            "lora_alpha": used.alpha,
            "lora_dropout": used.dropout,
            "lora_modules": used.modules,
            "seed": used.seed,
            "start": "champion" if recipe.started_from else "base",
            "replay_share": used.replay_share,
        }
    )
    mlx = below.mlx.model_copy(update={"gradient_checkpointing": used.gradient_checkpointing})
    evaluation = below.evaluation.model_copy(update=msgspec.structs.asdict(examined) if examined else {})
    dataset = settings.dataset.model_copy(update={"valid_share": share} if share else {})
    fine_tuning = below.model_copy(update={"training": chosen, "mlx": mlx, "evaluation": evaluation})
    return settings.model_copy(update={"fine_tuning": fine_tuning, "dataset": dataset})


def dataset_of(recipe: Metadata, workspace: Workspace) -> Path:
    """The dataset that a model was trained on. Raises BadInput if this workspace did not train it or has lost it."""
    try:
        made_of = read_receipt(workspace.job("training", recipe.job)).inputs[0]
    except ReceiptError:
        made_of = None
    if made_of is not None and made_of.stage:
        folder = workspace.job(made_of.stage, made_of.key)
        if folder.is_dir():
            return folder
    raise BadInput(f"this workspace does not have the rows of {recipe.name}", "name them with --dataset FILE_OR_DIR")


def base_of(recipe: Metadata, named: str | None, settings: Settings, root: Path) -> str:
    """What to call the base that a model was trained on, as `find_base` takes it; `named` is a person's word for it.

    Raises BadInput if the base found there is another one, Unavailable if none is there.
    """
    default = settings.default_base_model
    name = named or (default if Path(default).name == recipe.base_folder else recipe.base_folder)
    try:
        base = find_base(name, settings, root)
    except Unavailable as error:
        raise Unavailable(error.reason, f"name it with --base-model if it lies elsewhere; else {error.hint}") from None
    if base.revision != recipe.base_revision:
        raise BadInput(
            f"{base.path} is not the base that {recipe.name} was trained on", "name that one with --base-model"
        )
    return name


def check_same(recipe: Metadata, dataset: Path, settings: Settings, root: Path) -> None:
    """Raises BadInput if rows or start are not those of the earlier training: the result would be another one.

    `settings` are those of `settings_again`.
    """
    start = start_of(settings, root, recipe.base_revision)
    if (start.weights if start else None) != recipe.started_from:
        raise BadInput(
            f"{recipe.name} went on from another champion than the one in use", "make that one the champion first"
        )
    sides = load_sides(dataset, settings.dataset.valid_share)
    if start is not None:
        sides = replayed(sides, start, recipe.parameters.replay_share, recipe.parameters.seed)
    if sides.digest != recipe.dataset_digest:
        raise BadInput(f"{dataset} holds other rows than {recipe.name} was trained on", "name those with --dataset")
    if recipe.dataset.test_digest not in (None, sides.test_digest):
        raise BadInput(f"{dataset} holds other test rows than {recipe.name} was measured on", "bring those back")
