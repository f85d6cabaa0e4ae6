"""`scantune status`: what is done, what waits, what failed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from handlers.context import Context

if TYPE_CHECKING:
    from handlers.training.progress import Progress
    from watcher.overview import Overview

LISTED = 20


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("status", help="what is done, what waits and what failed")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    told = "one line and an exit status for monitors: 0 fine, 1 warning, 2 critical, 3 unknown"
    parser.add_argument("--health", action="store_true", help=told)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    if args.health:
        return tell_health(context)
    import msgspec

    from handlers.cli.desk import desk
    from handlers.tempo import retries
    from handlers.terminal import print_json
    from handlers.training.progress import read_progress
    from watcher.clock import SYSTEM
    from watcher.overview import overview

    with desk(context) as books:
        view = overview(
            books.workspace,
            books.stages,
            books.index,
            retries(context.settings),
            SYSTEM,
            unwritable=books.unwritable,
        )
    progress = read_progress(context.root)
    if args.json:
        print_json({**msgspec.structs.asdict(view), "training": progress})
    else:
        print(text(view, progress))
    return 0


def tell_health(context: Context) -> int:
    from handlers.service.health import health
    from watcher.clock import SYSTEM

    found = health(context.root, SYSTEM.now())
    print(found)
    return found.level


def text(view: Overview, progress: Progress | None = None) -> str:
    from handlers.cli.desk import columns
    from handlers.terminal import page
    from watcher.clock import stamp

    fields = ("done", "incomplete", "waiting", "retrying", "quarantined", "stale", "asked")
    rows = [("stage", *fields), *((each.stage, *(str(getattr(each, name)) for name in fields)) for each in view.stages)]
    lines = [
        f"workspace  {view.workspace}",
        f"watched by {view.watcher or 'nobody'}",
        *([f"stands still: {view.unwritable}"] if view.unwritable else []),
        f"inbox      {f'nothing is taken: {view.inbox_gone}' if view.inbox_gone else f'{view.inbox} to be taken'}",
        *([f"training   {progress}"] if progress else []),
        "",
        *columns(rows),
    ]
    lines += [f"not taken: {each.name}: {each.why}" for each in view.not_taken[:LISTED]]
    for trouble in view.troubles[:LISTED]:
        when = f"next try {stamp(trouble.next)}" if trouble.next else "in quarantine"
        lines.append(f"{trouble.stage}: {trouble.name or trouble.input[:12]} ({when}): {trouble.text()}")
    hidden = max(0, len(view.not_taken) - LISTED) + max(0, len(view.troubles) - LISTED)
    if hidden:
        lines.append(f"and {hidden} more: --json lists them all")
    return page(lines)
