"""`scantune poll github`: fetches new reports into the inbox."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from handlers.cli.context import Context
from watcher.clock import SYSTEM, Clock
from watcher.errors import Unavailable

if TYPE_CHECKING:
    from handlers.sources.github import Poller, Report


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("poll", help="fetch new reports from where they are made into the inbox")
    parser.add_argument("source", choices=["github"])
    parser.add_argument("--once", action="store_true", help="poll once and end (for cron); 1 if something went wrong")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.sources.github import Poller

    if not context.settings.github.repositories:
        print("scantune: github.repositories is empty: name OWNER/NAME there", file=sys.stderr)
        return 2
    with contextlib.closing(Poller(context.settings, context.root)) as poller:
        if args.once:
            return 1 if tell(poller.poll(_say)).problems else 0
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: poller.stopping.set())
        return until_stopped(poller, SYSTEM)


def until_stopped(poller: Poller, clock: Clock) -> int:
    """Polls whenever it is due, until `poller.stopping` is set."""
    while not poller.stopping.is_set():
        if poller.due(clock.now()):
            try:
                tell(poller.poll(_say))
            except Unavailable as fault:
                _say(str(fault))
        clock.wait(poller.stopping, max(1.0, poller.next_due() - clock.now()))
    return 0


def tell(report: Report) -> Report:
    """Says what a poll did, problems last."""
    for label in report.expired:
        _say(f"no longer there: {label}")
    _say(f"{len(report.landed)} fetched, {report.left_out} left out, {len(report.expired)} no longer there")
    for problem in report.problems:
        _say(f"problem: {problem}")
    return report


def _say(line: str) -> None:
    print(line, file=sys.stderr)
