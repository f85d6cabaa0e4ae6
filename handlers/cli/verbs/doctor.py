"""`scantune doctor`: proves that the books balance, and says what else is wrong with this machine or workspace."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator

import msgspec

from handlers.context import Context
from handlers.models.base import find_base
from handlers.models.need import missing_packages
from watcher.errors import JobError

LOW_DISK = 5_000_000_000


class Remark(msgspec.Struct, frozen=True):
    """Something a person may want to mend; it does not make the books wrong."""

    what: str
    hint: str = ""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("doctor", help="prove that nothing was lost or done twice; 0 if the books balance")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.cli.desk import columns, desk
    from handlers.terminal import page, print_json
    from watcher.audit import audit

    with desk(context) as books:
        report = audit(books.workspace, books.stages, books.index, books.schedule)
        stuck = [Remark(f"{path}: {why}", "move it away") for path, why in books.index.unreadable.items()]
    warnings = [*stuck, *machine(context)]
    if args.json:
        print_json({"balanced": report.balanced, "audit": report, "warnings": warnings})
    else:
        fields = ("accepted", "done", "quarantined", "retrying", "waiting")
        rows = [("stage", *fields), *((b.stage, *(str(getattr(b, name)) for name in fields)) for b in report.books)]
        lines = [f"{report.jobs} jobs read and hashed again", *columns(rows)]
        lines += [f"wrong: {fault.where}: {fault.what}" for fault in report.faults]
        lines += [f"warning: {each.what}" + (f" — {each.hint}" if each.hint else "") for each in warnings]
        print(page([*lines, "the books balance" if report.balanced else "the books do not balance"]))
    return 0 if report.balanced else 1


def machine(context: Context) -> Iterator[Remark]:
    """What is missing on this machine for the whole way, found without importing anything heavy."""
    settings = context.settings
    if missing_packages():
        yield Remark("mlx is not installed: all works up to the dataset, training does not", "pip install mlx-lm")
    try:
        find_base(settings.default_base_model, settings, context.root)
    except JobError as error:
        yield Remark(error.reason, error.hint)
    free = shutil.disk_usage(context.root).free
    if free < LOW_DISK:
        yield Remark(f"only {free / 1e9:.1f} GB are free on the workspace's volume")
