"""Bandit's JSON (`bandit -f json`): https://bandit.readthedocs.io/en/latest/formatters/json.html"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node

LINE_NUMBER = re.compile(r"^\d+ ?", re.MULTILINE)
"""Bandit numbers the lines that it quotes; a fingerprint must not know them."""


def claims(report: Node) -> bool:
    return report.has("results", "metrics", "errors") and "_totals" in report["metrics"]


@reads("bandit", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for error in report.items("errors"):
        ledger.warn(
            f"bandit could not scan {error.text('filename') or 'a file'}: {error.text('reason') or 'no reason'}"
        )
    for record in ledger.records(report, "results"):
        yield Problem(
            record,
            "code",
            title=record.text("issue_text"),
            rule_id=record.text("test_id"),
            severity=record.text("issue_severity"),
            severity_origin="issue_severity",
            cwes=record.at("issue_cwe.id"),
            description=record.text("test_name"),
            references=(record.text("more_info"), record.text("issue_cwe.link")),
            snippet=LINE_NUMBER.sub("", record.text("code") or ""),
            path=record.text("filename"),
            line=record.integer("line_number"),
            end_line=max((int(line) for line in record.texts("line_range") if line.isdigit()), default=None),
        )
