"""Scanners of source code: Horusec (github.com/ZupIT/horusec, analysis entity), Bearer (docs.bearer.com, security
report), Checkmarx SAST (XML report), PHP_CodeSniffer (JSON report)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
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


@reads("checkmarx", lambda root: isinstance(root, XmlNode) and root.name == "CxXMLResults", kind="xml")
def checkmarx(root: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a result of a query; `state` 1 is "not exploitable"."""
    ledger.tool_version = root.text("CheckmarxVersion")
    for query in root.items("Query"):
        for record in query.items("Result"):
            nodes = record.items("Path.PathNode")
            dismissed = record.text("FalsePositive") == "True" or record.text("state") == "1"
            yield Problem(
                record,
                "code",
                title=(query.text("name") or "").replace("_", " "),
                rule_id=query.text("name", "id"),
                severity=record.text("Severity") or query.text("Severity"),
                cwes=query.text("cweId"),
                description=query.text("categories"),
                references=(record.text("DeepLink"),),
                snippet=nodes[-1].text("Snippet.Line.Code") if nodes else None,
                path=record.text("FileName"),
                line=record.integer("Line"),
                column=record.integer("Column"),
                suppressed=dismissed,
                suppression="not exploitable" if dismissed else None,
            )


def claims_phpcs(report: Node) -> bool:
    return "fixable" in report["totals"] and "files" in report


@reads("php-codesniffer", claims_phpcs)
def php_codesniffer(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Its standard for security is phpcs-security-audit, whose rules begin with `Security.`."""
    for path, file in ledger.members(report, "files"):
        for record in ledger.records(file, "messages"):
            rule = record.text("source")
            yield Problem(
                record,
                "code" if (rule or "").startswith("Security.") else "quality",
                title=record.text("message"),
                rule_id=rule,
                severity=record.text("type"),
                severity_origin="type",
                path=path,
                line=record.integer("line"),
                column=record.integer("column"),
            )
