"""`scantune demo`: the whole way on the bundled sample."""

from __future__ import annotations

import argparse

from handlers.context import Context


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "demo",
        help="the whole way on the bundled sample, on the embedded tiny model, without a network",
        description="Works in WORKSPACE/demo, or in the workspace itself if it was named. A second run finds all done.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.demo.walk import walk

    return walk(context)
