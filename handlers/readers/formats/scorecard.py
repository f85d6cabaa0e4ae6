"""OpenSSF Scorecard's JSON: https://github.com/ossf/scorecard, pkg/scorecard/json.go.

A check below 10 states a problem; -1 means that it could not be made.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node


@reads("scorecard", lambda report: report.has("scorecard", "checks"))
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("scorecard.version")
    ledger.repository = report.text("repo.name")
    for record in ledger.records(report, "checks"):
        score = record.number("score")
        if score is not None and (score >= 10 or score < 0):
            ledger.skip("passed" if score >= 10 else "inconclusive")
            continue
        yield Problem(
            record,
            "quality",
            title=f"{record.text('name') or 'Check'}: {record.text('reason') or 'no reason given'}",
            rule_id=record.text("name"),
            description="\n".join((record.text("documentation.short") or "", *record.texts("details"))),
            references=(record.text("documentation.url"),),
            symbol=report.text("repo.name"),
        )
