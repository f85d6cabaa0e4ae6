"""`scantune models …`: base models brought or made, finished ones listed, promoted and rolled back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from handlers.cli.arguments import path
from handlers.context import Context
from handlers.models.base import tiny_folder
from handlers.models.need import need_mlx
from handlers.terminal import print_json, say
from watcher.clock import SYSTEM
from watcher.errors import BadInput

if TYPE_CHECKING:
    from handlers.models.inventory import Inventory


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    family = verbs.add_parser("models", help="list, fetch and make models; promote a finished one, or roll back")
    below = family.add_subparsers(title="what", metavar="WHAT", required=True)
    listing = below.add_parser("list", help="base and finished models: where they are and how good")
    listing.add_argument("--json", action="store_true", help="one JSON document on standard output")
    listing.set_defaults(run=run_list)
    fetch = below.add_parser("fetch", help="bring a base model from the Hub and quantise it")
    fetch.add_argument("repository", nargs="?", metavar="OWNER/NAME", help="default: OLMo-2 1B Instruct, pinned")
    fetch.add_argument("--revision", default="main", help="a commit, tag or branch of OWNER/NAME (default: main)")
    fetch.set_defaults(run=run_fetch)
    tiny = below.add_parser("tiny", help="make the embedded tiny model, for trying and testing only")
    tiny.add_argument("--train", action="store_true", help="train it anew, as the shipped one was; takes long")
    tiny.set_defaults(run=run_tiny)
    export = below.add_parser("export", help="a finished model in another form, beside it")
    export.add_argument("name", metavar="NAME-vN", help="a finished model, as `models list` names it")
    export.add_argument(
        "--to", required=True, choices=("q4", "q8", "peft", "gguf"), help="4 or 8 bits, a PEFT adapter, GGUF"
    )
    export.add_argument("--dataset", type=path, metavar="FILE_OR_DIR", help="rows on which q4 and q8 are measured")
    export.add_argument("--llama-cpp", type=path, metavar="DIR", help="a checkout of llama.cpp, for gguf")
    export.set_defaults(run=run_export)
    promote = below.add_parser("promote", help="make a finished model the champion")
    promote.add_argument("name", metavar="NAME-vN", help="a finished model, as `models list` names it")
    promote.set_defaults(run=run_promote)
    rollback = below.add_parser("rollback", help="make the champion before this one the champion again")
    rollback.set_defaults(run=run_rollback)


def run_list(args: argparse.Namespace, context: Context) -> int:
    from handlers.models.inventory import take_inventory

    inventory = take_inventory(context.settings, context.root)
    if args.json:
        print_json(inventory)
    else:
        print(_table(inventory))
    return 0


def _table(inventory: Inventory) -> str:
    bases = [f"  {each.name:<40} {each.note}" for each in inventory.bases]
    finished = [f"{'*' if each.champion else ' '} {each.name:<40} {each.note}" for each in inventory.finished]
    return "\n".join(
        [
            f"base models ({inventory.base_models_dir})",
            *(
                bases
                or ["  none; `scantune models fetch` brings the default one, `scantune models tiny` makes one to try"]
            ),
            f"finished models ({inventory.fine_tuned_models_dir}); * is the champion",
            *(finished or ["  none yet; `scantune train --dataset FILE` makes one"]),
        ]
    )


def run_fetch(args: argparse.Namespace, context: Context) -> int:
    need_mlx()
    from handlers.models.fetch import OLMO, Wanted, fetch

    wanted = OLMO
    if args.repository:
        wanted = Wanted(args.repository, args.revision, f"{args.repository.rpartition('/')[2]}-mlx")
    folder = fetch(wanted, context.settings, say)
    print(folder)
    if folder.name != context.settings.default_base_model:
        print(f"use it with --base-model {folder.name}, or set default_base_model: {folder.name}")
    return 0


def run_tiny(args: argparse.Namespace, context: Context) -> int:
    need_mlx()
    from handlers.models.folder import making
    from handlers.models.tiny import make_tiny
    from handlers.models.tiny_training import train_tiny

    target = tiny_folder(context.root)
    if not target.exists():
        with making(target) as scratch:
            train_tiny(scratch, say) if args.train else make_tiny(scratch)
    print(f"{target}: for trying and testing only; use it with --base-model tiny")
    return 0


def run_export(args: argparse.Namespace, context: Context) -> int:
    need_mlx()
    from handlers.models.export import export_gguf, export_peft, export_quantised, open_finished
    from handlers.training.rows import load_sides

    model = open_finished(context.settings.fine_tuned_models_dir.absolute() / args.name)
    if args.to == "peft":
        made = export_peft(model)
    elif args.to == "gguf":
        made = export_gguf(model, args.llama_cpp, say)
    elif args.dataset is None:
        raise BadInput("a copy in fewer bits is measured before it is kept", "name its rows: --dataset FILE_OR_DIR")
    else:
        rows = load_sides(args.dataset, context.settings.dataset.valid_share).valid
        made = export_quantised(model, int(args.to[1:]), rows, say)
    print(made)
    return 0


def run_promote(args: argparse.Namespace, context: Context) -> int:
    from handlers.models.champion import promote
    from handlers.models.metadata import read_finished

    folder = context.settings.fine_tuned_models_dir.absolute() / args.name
    new = promote(context.root, folder, read_finished(folder), ("by hand",), SYSTEM)
    print(f"{new.name} is the champion")
    return 0


def run_rollback(args: argparse.Namespace, context: Context) -> int:
    from handlers.models.champion import roll_back

    now = roll_back(context.root, SYSTEM)
    print(f"{now.name} is the champion again" if now else "there is no champion now: the base model is in use")
    return 0
