"""detect-secrets' baseline (`detect-secrets scan`): https://github.com/Yelp/detect-secrets, core/baseline.py."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node


@reads("detect-secrets", lambda report: report.has("plugins_used", "results"))
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    for path, found in ledger.members(report, "results"):
        for record in ledger.records(found):
            cleared = record.flag("is_secret") is False
            yield Problem(
                record,
                "secret",
                title=f"{record.text('type') or 'Secret'} found",
                rule_id=record.text("type"),
                path=record.text("filename") or path,
                line=record.integer("line_number"),
                suppressed=cleared,
                suppression="audited: no secret" if cleared else None,
            )
