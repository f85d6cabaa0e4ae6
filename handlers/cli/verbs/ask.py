"""`scantune ask`: what the model says of a finding beside the rules, and what you say of that."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from handlers.cli.arguments import count, subject, text
from handlers.context import Context
from watcher.errors import BadInput

if TYPE_CHECKING:
    from handlers.ask.writers import Said
    from handlers.dataset.rows import Example
    from handlers.records import Finding, Narrative


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = verbs.add_parser("ask", help="what the model says of a finding, beside the rules; accept, edit or reject it")
    p.add_argument(
        "subject", type=subject, metavar="REPORT_OR_FINDING_ID", help="a report, or the first characters of an id"
    )
    p.add_argument("--base", action="store_true", help="ask the base model too")
    p.add_argument("--at-most", type=count, default=5, metavar="N", help="findings of a report to show (default: 5)")
    p.add_argument("--of", metavar="WRITER", help="whose text is meant: rules, champion or base (default: the best)")
    verdict = p.add_mutually_exclusive_group()
    verdict.add_argument("--accept", action="store_true", help="the text is right: learn from it")
    verdict.add_argument("--edit", action="store_true", help="correct the text in $EDITOR, and learn from that")
    verdict.add_argument(
        "--reject", type=text, metavar="WHY", help="the finding is no problem here, because …: learn from that"
    )
    p.add_argument("--json", action="store_true", help="one JSON document")
    p.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.ask.find import find_findings
    from handlers.ask.show import answer, page
    from handlers.ask.writers import models, say
    from handlers.knowledge.catalogue import open_catalogue
    from handlers.terminal import print_json

    findings = find_findings(args.subject, context.root / "outbox", context.settings.limits)
    decides = args.accept or args.edit or args.reject is not None
    if decides and len(findings) > 1:
        raise BadInput(f"{args.subject} names {len(findings)} findings", "give one finding's id for a verdict")
    shown = findings[: args.at_most]
    asked = list(models(context.settings, context.root, base=args.base))
    said = say(shown, open_catalogue(context.root), asked)
    answers = [answer(finding, each) for finding, each in zip(shown, said, strict=True)]
    if args.json:
        print_json(answers)
    else:
        print("\n\n".join("\n".join(page(each)) for each in answers))
        _say_more(len(findings) - len(shown), bool(asked))
    return _decide(args, context, findings[0], said[0]) if decides else 0


def _say_more(left: int, asked: bool) -> None:
    if left:
        print(f"\n… and {left} more: --at-most {left + 1} or more shows them", file=sys.stderr)
    if not asked:
        print("\nthere is no champion yet: only the rules were asked (--base asks the base model)", file=sys.stderr)


def _decide(args: argparse.Namespace, context: Context, finding: Finding, said: list[Said]) -> int:
    from handlers.ask.verdict import drop

    rows = _rows(args, finding, said)
    if not rows:
        print("nothing was changed, so there is nothing to learn", file=sys.stderr)
        return 0
    file = drop(rows, context.root / "inbox")
    print(f"{len(rows)} row(s) for the dataset: {file}", file=sys.stderr)
    return 0


def _rows(args: argparse.Namespace, finding: Finding, said: list[Said]) -> list[Example]:
    from handlers.ask.verdict import accept, edit, reject

    if args.reject is not None:
        return reject(finding, args.reject)
    text = _chosen(said, args.of)
    return edit(text) if args.edit else accept(text)


def _chosen(said: list[Said], writer: str | None) -> Narrative:
    """The text of the named writer; by default the champion's if it passed the gate, else the rules'."""
    from handlers.records import Narrative

    passed = {each.writer.split(" ")[0]: each.text for each in said if isinstance(each.text, Narrative)}
    if writer is None:
        return passed.get("champion", passed["rules"])
    if writer not in passed:
        raise BadInput(f"there is no text of {writer} that passed the gate", f"there is one of: {', '.join(passed)}")
    return passed[writer]
