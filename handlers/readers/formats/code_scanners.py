"""Scanners of source code that bundle others: Horusec (https://github.com/ZupIT/horusec, analysis entity) and Bearer
(https://docs.bearer.com/reference/commands/, security report)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


@reads("horusec", lambda report: "analysisVulnerabilities" in report)
def horusec(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    if report.text("status") == "error":
        ledger.scan_failed(f"Horusec says: {report.text('errors') or 'error'}")
    for record in ledger.records(report, "analysisVulnerabilities"):
        flaw = record["vulnerabilities"]
        title, _, details = (flaw.text("details") or "").partition("\n")
        is_secret = flaw.text("language") == "Leaks"
        judged = flaw.text("type") or ""
        yield Problem(
            record,
            "secret" if is_secret else "code",
            title=title.partition(": ")[2] or title,
            rule_id=flaw.text("rule_id") or flaw.text("securityTool"),
            severity=flaw.text("severity"),
            cwes=details,
            description=details,
            snippet=flaw.text("code"),
            path=flaw.text("file"),
            line=flaw.integer("line"),
            column=flaw.integer("column"),
            suppressed=judged in ("False Positive", "Risk Accepted"),
            suppression=judged if judged in ("False Positive", "Risk Accepted") else None,
            secrets=flaw.texts("code") if is_secret else (),
        )


SEVERITIES = ("critical", "high", "medium", "low", "warning")


@reads("bearer", lambda report: any(some(report, "cwe_ids", "line_number", path=severity) for severity in SEVERITIES))
def bearer(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for severity in SEVERITIES:
        for record in ledger.records(report, severity):
            yield Problem(
                record,
                "code",
                title=record.text("title"),
                rule_id=record.text("id"),
                severity=severity,
                cwes=record["cwe_ids"],
                description=record.text("description"),
                references=(record.text("documentation_url"),),
                snippet=record.text("code_extract", "snippet"),
                path=record.text("full_filename", "filename"),
                line=record.integer("line_number"),
            )
