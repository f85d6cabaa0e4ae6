"""`scantune retry`: tries again what failed, or runs again what is stale."""

from __future__ import annotations

import argparse
import sys

from handlers.cli.arguments import subject
from handlers.context import Context


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("retry", help="let failed inputs try again, or stale ones run again")
    told = "a file's name, or the first digits of a digest or key"
    parser.add_argument("ids", nargs="*", type=subject, metavar="ID", help=told)
    parser.add_argument("--all", action="store_true", help="everything that failed")
    parser.add_argument("--affected-by", metavar="STAGE", help="what STAGE did with another version or other settings")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Only asks: a running watcher begins at once, else the next `scantune run` does it."""
    from handlers.cli.desk import desk
    from watcher.again import retry_affected, retry_all, retry_some

    if sum([bool(args.ids), args.all, args.affected_by is not None]) != 1:
        print("scantune: retry takes either IDs, or --all, or --affected-by STAGE", file=sys.stderr)
        return 2
    with desk(context) as books:
        if args.affected_by is not None:
            stage = next((each for each in books.stages if each.name == args.affected_by), None)
            if stage is None:
                names = ", ".join(each.name for each in books.stages)
                print(f"scantune: there is no stage {args.affected_by}: it is one of {names}", file=sys.stderr)
                return 2
            asked = retry_affected(books.workspace, books.schedule, books.index, stage)
        elif args.all:
            asked = retry_all(books.workspace, books.schedule)
        else:
            asked = retry_some(books.workspace, books.schedule, args.ids)
    for name in asked:
        print(name)
    print(f"{len(asked)} to be run again", file=sys.stderr)
    return 0
