"""`scantune upload-model DIR`: publishes a finished model (or a dataset) by hand."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from handlers.cli.arguments import path
from handlers.context import Context
from handlers.terminal import say
from watcher.clock import SYSTEM, Clock
from watcher.errors import Unavailable

if TYPE_CHECKING:
    from config.settings import Settings
    from handlers.upload.publication import Publication, Published

PATIENCE_SECONDS = 300.0
"""How long passing faults are waited out."""
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("upload-model", help="publish a finished model or a dataset, as the settings say")
    parser.add_argument("folder", type=path, metavar="DIR", help="the folder of a finished model or a dataset")
    parser.add_argument("--dry-run", action="store_true", help="show files, sizes, visibility and card; send nothing")
    parser.add_argument(
        "--yes",
        action="store_true",
        help="agree to a model no better than its base, and to findings of private sources becoming public",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.upload.gates import Consent, refusals
    from handlers.upload.publish import check, deliver, is_public, prepare

    settings = context.settings
    publication = prepare(args.folder.absolute(), settings, context.root)
    consent = Consent(public=args.yes or settings.upload.allow_public, worse=args.yes)
    if args.dry_run:
        reasons = refusals(publication, consent, public=is_public(settings))
        print(preview(publication, settings, context.root, reasons))
        return 1 if reasons else 0
    check(publication, settings, consent)
    published = patiently(lambda: deliver(publication, settings, context.root, say), SYSTEM, say)
    print(summary(published))
    return 0


def patiently(attempt: Callable[[], Published], clock: Clock, say: Callable[[str], None]) -> Published:
    """Repeats an attempt through passing faults, for at most PATIENCE_SECONDS; raises the last one's failure."""
    end, wait = clock.elapsed() + PATIENCE_SECONDS, FIRST_WAIT_SECONDS
    while True:
        try:
            return attempt()
        except Unavailable as fault:
            pause = max(wait, fault.after)
            if clock.elapsed() + pause > end:
                raise
            say(f"{fault}; next try in {pause:.0f} s")
        clock.wait(Event(), pause)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def preview(publication: Publication, settings: Settings, root: Path, refused: Sequence[str]) -> str:
    """What would be published: where, how visible, every file with its size in bytes, the card, and what forbids it."""
    from handlers.upload.publication import size_of
    from handlers.upload.publish import for_hub

    if settings.upload.to == "hub":
        publication = for_hub(publication, settings.fine_tuning.huggingface.default_repo_prefix or "(you)")
    sizes = {path: size_of(source) for path, source in sorted(publication.sources.items())}
    lines = [f"{publication.kind} {publication.label} -> {goal(publication, settings, root)}", ""]
    lines += [f"{size:>14,}  {path}" for path, size in sizes.items()]
    lines += [f"{sum(sizes.values()):>14,}  in {len(sizes)} files", ""]
    lines += [f"refused: {reason}" for reason in refused]
    return "\n".join([*lines, "README.md:", publication.card])


def goal(publication: Publication, settings: Settings, root: Path) -> str:
    """Where it would go, and who could see it."""
    from handlers.upload.publish import destination

    if settings.upload.to == "local":
        return f"{destination(publication, settings, root)} (local folder)"
    wanted = settings.fine_tuning.huggingface
    visibility = "private" if wanted.private_repos else "public"
    return f"{wanted.default_repo_prefix or '(you)'}/{publication.name} on the Hub ({visibility})"


def summary(published: Published) -> str:
    size = sum(each.size for each in published.files)
    what = f"{published.kind} {published.name} {published.version}"
    return f"{what}: {published.where} ({len(published.files)} files, {size:,} bytes)"
