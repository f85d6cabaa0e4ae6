"""`scantune train --dataset FILE_OR_DIR`: one training by hand."""

from __future__ import annotations

import argparse
import sys

from handlers.cli.arguments import path, text
from handlers.context import Context


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("train", help="train on a dataset or a file of rows, whatever lies in the inbox")
    parser.add_argument("--dataset", type=path, metavar="FILE_OR_DIR", help="JSONL rows, or a folder with train.jsonl")
    parser.add_argument(
        "--from", dest="recipe", type=path, metavar="METADATA", help="train once more as a finished model was trained"
    )
    parser.add_argument("--output-name", type=text, metavar="NAME", help="the name of the finished model; must be free")
    parser.add_argument("--base-model", type=text, metavar="M", help='a folder of base_models_dir, a path, or "tiny"')
    parser.add_argument("--upload", action="store_true", help="publish the finished model")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.cli.training import train

    if args.dataset is None and args.recipe is None:
        print("scantune train: give --dataset FILE_OR_DIR, or --from METADATA", file=sys.stderr)
        return 2
    return train(args, context)
