"""`scantune trace`: what a job or a dataset's row was made of, back to the dropped files, and what became of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.cli.arguments import subject
from handlers.context import Context

if TYPE_CHECKING:
    from handlers.cli.desk import Desk
    from handlers.dataset.lineage import Lineage as RowLineage
    from watcher.lineage import Lineage


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("trace", help="what something was made of, and what was made of it")
    parser.add_argument(
        "subject",
        type=subject,
        metavar="ID",
        help="the first digits of a key or digest, a file's name, a path; a row of the newest dataset: train:17, the "
        "first digits of its digest; a finished model's folder; or a finding's fingerprint",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    import msgspec

    from handlers.cli.desk import desk
    from handlers.dataset.lineage import find_finding, find_problem, trace_rows
    from handlers.terminal import page, print_json

    with desk(context) as books:
        rows = trace_rows(books.workspace, args.subject)
        told = [key for found in rows.values() for key in found] + find_finding(books.workspace, args.subject)
        lineage = _trace(books, list(dict.fromkeys(told)) or [_training_of(args.subject) or args.subject])
        problem = dict.fromkeys([*told, *find_problem(books.workspace, rows)])
        days = [each.when for each in (_trace(books, list(problem)) if rows else lineage).dropped]
    if args.json:
        seen = {"rows": list(rows), "first_seen": min(days, default=None), "last_seen": max(days, default=None)}
        print_json({**seen, **msgspec.to_builtins(lineage)} if rows else lineage)
        return 0
    print(page([*map(_words, rows), *_lines(lineage)]))
    if len(days) > 1:
        print(f"seen from {min(days)} to {max(days)}")
    return 0


def _lines(lineage: Lineage) -> Iterator[str]:
    for title, names in (("made of", lineage.made_of), ("this", lineage.subject), ("became", lineage.became)):
        yield f"{title}:"
        yield from (f"  {name}" for name in names or ["nothing"])
    yield "dropped as:"
    for each in lineage.dropped:
        origin = ", ".join(f"{name} {value}" for name, value in each.provenance.items())
        yield f"  {each.name} on {each.when}" + (f" ({origin})" if origin else "")


def _training_of(subject: str) -> str | None:
    """The key of the training that made a finished model, if the subject is such a folder."""
    from handlers.models.metadata import METADATA, read_metadata

    folder = Path(subject)
    return read_metadata(folder).job if (folder / METADATA).is_file() else None


def _trace(books: Desk, subjects: Sequence[str]) -> Lineage:
    """What is known of all subjects together, each thing once."""
    from watcher.lineage import Lineage, trace

    found = [trace(books.workspace, books.stages, books.index, each) for each in subjects]
    return Lineage(
        subject=list(dict.fromkeys(name for each in found for name in each.subject)),
        made_of=list(dict.fromkeys(name for each in found for name in each.made_of)),
        dropped=[drop for at, each in enumerate(found) for drop in each.dropped if not _before(drop, found[:at])],
        became=list(dict.fromkeys(name for each in found for name in each.became)),
    )


def _before(drop: object, found: Sequence[Lineage]) -> bool:
    return any(drop in each.dropped for each in found)


def _words(row: RowLineage) -> str:
    where = f"{row.member} " if row.member else ""
    told = f"{row.rule_id} of {row.tool} at {where}{row.pointer}" if row.tool else "written by a person"
    often = "once" if row.sightings == 1 else f"{row.sightings} times"
    return f"row {row.place} ({row.task}, {row.origin}): {told}, seen {often}"
