"""`scantune prune`: removes what is old and counts no more."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.cli.arguments import days
from handlers.context import Context

if TYPE_CHECKING:
    from handlers.cli.desk import Desk


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("prune", help="remove what newer work replaced, old quarantined copies, and caches")
    parser.add_argument("--days", type=days, default=30.0, help="only what is older than this (default: %(default)g)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.cli.desk import desk
    from handlers.terminal import print_json
    from watcher.clock import SYSTEM
    from watcher.prune import prunable, prune

    with desk(context) as books:
        found = prunable(books.workspace, books.stages, books.index, SYSTEM, args.days, _kept(books))
        if not args.dry_run:
            found = prune(books.workspace, books.stages, found)
            books.index.refresh()
    if args.json:
        print_json(found)
        return 0
    for each in found:
        print(f"{each.kind}  {each.bytes:>12,}  {each.name}")
    done = "would go" if args.dry_run else "are gone"
    print(f"{len(found)} {done}, {sum(each.bytes for each in found) / 1e6:.1f} MB")
    return 0


def _kept(books: Desk) -> frozenset[str]:
    """The trainings of the champion and of those before it (`rollback` goes there), and all that was published."""
    from handlers.models.champion import read_pointer
    from handlers.models.metadata import METADATA, read_metadata

    champions = [Path(each.path) for each in read_pointer(books.workspace.root).line]
    trainings = {read_metadata(folder).job for folder in champions if (folder / METADATA).is_file()}
    return frozenset(trainings | {job.key for job in books.index.jobs("upload")})
