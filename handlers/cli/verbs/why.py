"""`scantune why`: in which state a file or a job is, and for what reason."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from handlers.cli.arguments import subject
from handlers.context import Context

if TYPE_CHECKING:
    from watcher.explain import Step


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("why", help="what became of a file or a job, and why")
    told = "a file's name or path, or the first digits of a key"
    parser.add_argument("subject", type=subject, metavar="ID_OR_PATH", help=told)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Exit status 1 if nothing is known of it."""
    from handlers.cli.desk import desk
    from handlers.terminal import page, print_json
    from watcher.clock import SYSTEM
    from watcher.explain import why

    with desk(context) as books:
        steps = why(books.workspace, books.stages, books.index, books.schedule, SYSTEM, args.subject)
    if args.json:
        print_json(steps)
    else:
        print(page(line for step in steps for line in _lines(step)))
    return 1 if steps[0].state == "unknown" else 0


def _lines(step: Step) -> list[str]:
    head = f"{step.stage}: {step.state}" if step.stage else step.state
    lines = [f"{head}: {step.reason}" if step.reason else head]
    if step.next:
        lines.append(f"  next try {step.next}")
    lines += [f"  {each}" for each in (step.hint, *step.names, *step.warnings, step.folder) if each]
    return lines
