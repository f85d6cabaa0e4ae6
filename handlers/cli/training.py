"""One training by hand, on the path that the watcher takes too."""

from __future__ import annotations

import argparse
import threading
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from handlers.cli.signals import set_on_signals
from handlers.context import Context
from handlers.models.metadata import Metadata, find_job, read_metadata
from handlers.terminal import say
from handlers.training.again import base_of, check_same, dataset_of, read_recipe, settings_again
from watcher.errors import BadInput
from watcher.execute import Done, execute
from watcher.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Order:
    """What is trained on, with what."""

    dataset: Path
    settings: Settings
    base: str | None
    recipe: Metadata | None = None
    """Of the model that is to be made once more."""


def train(args: argparse.Namespace, context: Context) -> int:
    """Trains in this process, which is no watcher; SIGTERM ends it with a checkpoint to go on from."""
    from handlers.training import stage

    stopping = threading.Event()
    set_on_signals(stopping)
    workspace = Workspace(context.root)
    order = _order(args, context, workspace)
    training = stage(order.settings, context.root, base_model=order.base, output_name=args.output_name)
    done = execute(workspace, training, [order.dataset], say=say, stopping=stopping.is_set)
    for warning in done.receipt.warnings:
        say(f"warning: {warning}")
    _tell(done, order)
    return _publish(done, workspace, context) if args.upload else 0


def _order(args: argparse.Namespace, context: Context, workspace: Workspace) -> Order:
    recipe = read_recipe(args.recipe.expanduser().absolute()) if args.recipe else None
    if args.dataset is None and recipe is not None:
        dataset = dataset_of(recipe, workspace)
    else:
        dataset = args.dataset.expanduser().absolute()
    if not dataset.exists():
        raise BadInput(f"{dataset}: there is no such file or folder", "name a JSONL file of rows or a dataset's folder")
    if recipe is None:
        return Order(dataset, context.settings, args.base_model)
    settings = settings_again(context.settings, recipe)
    base = base_of(recipe, args.base_model, settings, context.root)
    check_same(recipe, dataset, settings, context.root)
    return Order(dataset, settings, base, recipe)


def _tell(done: Done, order: Order) -> None:
    """Raises BadInput if the model of a training that was done before is gone from its folder."""
    models, counts = order.settings.fine_tuned_models_dir, done.receipt.counts
    folder = find_job(models, done.receipt.key)
    if folder is None:
        raise BadInput(
            f"this training was done before, but its model is no longer in {models}",
            f"remove {done.folder} to train again",
        )
    print(f"{'trained' if done.fresh else 'trained before'}: {folder}")
    print(f"validation loss {counts['loss_before']} before, {counts['loss_after']} after; see {done.folder}")
    if order.recipe is not None:
        made, wanted = read_metadata(folder), order.recipe
        same = _figures(made) == _figures(wanted)
        print(f"its weights and losses are {'the same as' if same else 'NOT the same as'} those of {wanted.name}")
        if not same and made.versions != wanted.versions:
            print(f"that was trained with {wanted.versions}, this with {made.versions}")


def _figures(of: Metadata) -> tuple[object, ...]:
    """What two trainings of the same have in common."""
    return of.weights, of.before, of.after, of.test


def _publish(done: Done, workspace: Workspace, context: Context) -> int:
    from handlers.upload import stage

    published = execute(workspace, stage(context.settings, context.root), [done.folder], say=say)
    print(f"published: {published.receipt.counts['where']}")
    return 0
