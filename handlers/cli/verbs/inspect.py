"""`scantune inspect PATH`: what scantune makes of a report, a zip or a folder. Nothing is written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.cli.arguments import path
from handlers.context import Context
from watcher.errors import BadInput

if TYPE_CHECKING:
    from handlers.readers import Limits, Reading

STANDARD_INPUT = Path("-")


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = verbs.add_parser("inspect", help="what scantune makes of a report, zip or folder; nothing is written")
    p.add_argument(
        "path", type=path, metavar="PATH", help="a report, a zip or a folder of reports, or - for standard input"
    )
    p.add_argument("--json", action="store_true", help="everything, as one JSON document")
    p.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Exit status 0 if everything was read (pages and pictures beside the reports do not count), else 1."""
    from handlers.cli import inspection
    from handlers.terminal import page, print_bytes

    reading = _read(args.path, context.settings.limits)
    if args.json:
        print_bytes(inspection.document(reading))
    else:
        print(page(inspection.summary(reading)))
    return 0 if inspection.all_read(reading) else 1


def _read(path: Path, limits: Limits) -> Reading:
    from handlers.readers import read_bytes, read_report
    from handlers.readers.folder import read_folder

    if path == STANDARD_INPUT:
        return read_bytes(sys.stdin.buffer.read(limits.max_bytes + 1), limits)
    try:
        return read_folder(path, limits) if path.is_dir() else read_report(path, limits)
    except FileNotFoundError:
        raise BadInput(
            f"{path}: there is no such file", "give a report, a zip, a folder, or - for standard input"
        ) from None
    except OSError as error:
        raise BadInput(f"{error.filename or path}: {error.strerror}") from None
