"""`scantune trace`: what a job was made of, back to the dropped files, and what became of it."""

from __future__ import annotations

import argparse

from handlers.cli.context import Context


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("trace", help="what something was made of, and what was made of it")
    parser.add_argument("subject", metavar="ID", help="the first digits of a key or digest, a file's name, or a path")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.cli.desk import desk, print_json
    from watcher.lineage import trace

    with desk(context) as books:
        lineage = trace(books.workspace, books.stages, books.index, args.subject)
    if args.json:
        print_json(lineage)
        return 0
    for title, names in (("made of", lineage.made_of), ("this", lineage.subject), ("became", lineage.became)):
        print("\n".join([f"{title}:", *(f"  {name}" for name in names or ["nothing"])]))
    print("dropped as:")
    for each in lineage.dropped:
        origin = ", ".join(f"{name} {value}" for name, value in each.provenance.items())
        print(f"  {each.name} on {each.when}" + (f" ({origin})" if origin else ""))
    return 0
