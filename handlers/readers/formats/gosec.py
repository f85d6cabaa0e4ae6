"""gosec's JSON (`gosec -fmt json`): https://github.com/securego/gosec, issue/issue.go and report.go (ReportInfo)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import line_range, some


def claims(report: Node) -> bool:
    return "Issues" in report and ("Stats" in report or some(report, "rule_id", "details", path="Issues"))


@reads("gosec", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("GosecVersion")
    for file, errors in report.fields("Golang errors"):
        for error in errors.items():
            ledger.warn(f"gosec could not read {file}: {error.text('error')}")
    for record in ledger.records(report, "Issues"):
        line, end_line = line_range(record.text("line"))
        reasons = [each.text("justification") or each.text("kind") for each in record.items("suppressions")]
        yield Problem(
            record,
            "code",
            title=record.text("details"),
            rule_id=record.text("rule_id"),
            severity=record.text("severity"),
            cwes=record.text("cwe.id", "cwe.ID"),
            remediation=record.text("autofix"),
            references=(record.text("cwe.url", "cwe.URL"),),
            snippet=record.text("code"),
            path=record.text("file"),
            line=line,
            end_line=end_line,
            column=record.integer("column"),
            suppressed=record.flag("nosec") is True or bool(reasons),
            suppression="; ".join(filter(None, reasons)) or None,
        )
