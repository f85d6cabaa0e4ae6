"""`scantune train --dataset FILE_OR_DIR`: one training by hand, on the path that the watcher takes too."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from handlers.cli.context import Context
from handlers.models.metadata import find_job
from watcher.errors import BadInput
from watcher.execute import Done, execute
from watcher.workspace import Workspace


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("train", help="train on a dataset or a file of rows, whatever lies in the inbox")
    parser.add_argument(
        "--dataset", type=Path, required=True, metavar="FILE_OR_DIR", help="JSONL rows, or a folder with train.jsonl"
    )
    parser.add_argument("--output-name", metavar="NAME", help="the name of the finished model; must be free")
    parser.add_argument("--base-model", metavar="M", help='a folder of base_models_dir, a path, or "tiny"')
    parser.add_argument("--upload", action="store_true", help="publish the finished model")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Trains in this process, which is no watcher; SIGTERM ends it with a checkpoint to go on from."""
    from handlers.cli.signals import set_on_signals
    from handlers.training import stage

    dataset = args.dataset.expanduser().absolute()
    if not dataset.exists():
        raise BadInput(f"{dataset}: there is no such file or folder", "name a JSONL file of rows or a dataset's folder")
    stopping = threading.Event()
    set_on_signals(stopping)
    workspace = Workspace(context.root)
    training = stage(context.settings, context.root, base_model=args.base_model, output_name=args.output_name)
    done = execute(workspace, training, [dataset], say=_say, stopping=stopping.is_set)
    for warning in done.receipt.warnings:
        _say(f"warning: {warning}")
    _tell(done, context)
    return _publish(done, workspace, context) if args.upload else 0


def _tell(done: Done, context: Context) -> None:
    """Raises BadInput if the model of a training that was done before is gone from its folder."""
    models, counts = context.settings.fine_tuned_models_dir, done.receipt.counts
    folder = find_job(models, done.receipt.key)
    if folder is None:
        raise BadInput(
            f"this training was done before, but its model is no longer in {models}",
            f"remove {done.folder} to train again",
        )
    print(f"{'trained' if done.fresh else 'trained before'}: {folder}")
    print(f"validation loss {counts['loss_before']} before, {counts['loss_after']} after; see {done.folder}")


def _publish(done: Done, workspace: Workspace, context: Context) -> int:
    from handlers.upload import stage

    published = execute(workspace, stage(context.settings, context.root), [done.folder], say=_say)
    print(f"published: {published.receipt.counts['where']}")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
