"""`scantune poll github`: fetches new reports into the inbox."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from handlers.context import Context
from handlers.terminal import say
from watcher.clock import SYSTEM

if TYPE_CHECKING:
    from handlers.sources.github import Report


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("poll", help="fetch new reports from where they are made into the inbox")
    parser.add_argument("source", choices=["github"], help="where the reports come from")
    parser.add_argument("--once", action="store_true", help="poll once and end (for cron); 1 if something went wrong")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.sources.background import until_stopped
    from handlers.sources.github import Poller

    if not context.settings.github.repositories:
        file = context.config or context.root / "config" / "scantune.yaml"
        print(f"scantune: github.repositories is empty; write [OWNER/NAME, …] into {file}", file=sys.stderr)
        return 2
    with contextlib.closing(Poller(context.settings, context.root)) as poller:
        if args.once:
            report = poller.poll(say)
            tell(report)
            return 1 if report.problems else 0
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: poller.stopping.set())
        until_stopped(poller, SYSTEM, tell, say)
        return 0


def tell(report: Report) -> None:
    """Says what a poll did, problems last."""
    for label in report.expired:
        say(f"not to be had: {label}")
    say(f"{len(report.landed)} fetched, {report.left_out} left out, {len(report.expired)} not to be had")
    for problem in report.problems:
        say(f"problem: {problem}")
