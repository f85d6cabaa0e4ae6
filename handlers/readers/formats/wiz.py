"""Wiz: its command line's scans of directories, images and infrastructure (JSON), the console's vulnerability findings
and issues (CSV). Source: docs.wiz.io (wizcli scan results, export of findings)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node

PARTS = {"osPackages": "os", "libraries": None, "applications": None, "cpes": None}


def claims_cli(report: Node) -> bool:
    kind = report.at("result.__typename").text() or ""
    return "result" in report and kind.startswith("CICD") and kind.endswith("ScanResult")


@reads("wiz-cli", claims_cli, tool="wiz")
def cli(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Vulnerabilities of packages, secrets, and failed rules at every place where they matched."""
    result, where = report["result"], report.text("scanOriginResource.name")
    if report.text("status.state") in ("ERROR", "FAILED"):
        ledger.scan_failed("Wiz says that the scan failed")
    for part, kind in PARTS.items():
        for holder in ledger.records(result, part):
            for record in ledger.records(holder, "vulnerabilities"):
                yield _flaw(record, holder, kind, where)
    for record in ledger.records(result, "secrets"):
        yield Problem(
            record,
            "secret",
            title=record.text("description"),
            rule_id=record.text("type"),
            severity=record.text("severity"),
            path=record.text("path"),
            line=record.integer("lineNumber"),
            secrets=record.texts("snippet"),
        )
    for rule in ledger.records(result, "ruleMatches"):
        for record in ledger.records(rule, "matches"):
            yield Problem(
                record,
                "misconfiguration",
                title=rule.text("rule.name"),
                rule_id=rule.text("rule.id"),
                severity=rule.text("severity"),
                description="; ".join(filter(None, (record.text("found"), record.text("expected")))),
                remediation=record.text("remediationInstructions", "expected"),
                snippet=record.text("matchContent"),
                path=record.text("fileName"),
                line=record.integer("lineNumber"),
                symbol=record.text("resourceName"),
            )


def _flaw(record: Node, holder: Node, kind: str | None, where: str | None) -> Problem:
    return Problem(
        record,
        "vulnerability",
        title=f"{record.text('name')} in {holder.text('name')}",
        rule_id=record.text("name"),
        severity=record.text("severity"),
        cvss_score=record.number("score"),
        ids=(record.text("name"), *ids_in(record.text("source"))),
        description=record.text("description"),
        references=(record.text("source"),),
        path=holder.text("path"),
        symbol=where,
        package=package(
            holder.text("name"), of=kind, version=holder.text("version"), fixed=(record.text("fixedVersion"),)
        ),
    )


@reads("wiz-csv", lambda table: {"Name", "WizURL", "DetailedName", "FindingStatus"} <= set(table.texts("columns")),
       kind="csv", tool="wiz")  # fmt: skip
def findings(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        closed = (row.text("FindingStatus") or "").lower() in ("resolved", "ignored", "rejected")
        yield Problem(
            row,
            "vulnerability",
            title=f"{row.text('Name')} in {row.text('DetailedName')}",
            rule_id=row.text("Name"),
            severity=row.text("VendorSeverity", "CVSSSeverity"),
            ids=(row.text("Name"), *ids_in(row.text("Link"))),
            remediation=row.text("Remediation"),
            references=(row.text("Link"),),
            path=row.text("LocationPath"),
            symbol=row.text("AssetName"),
            package=package(row.text("DetailedName"), version=row.text("Version"), fixed=(row.text("FixedVersion"),)),
            suppressed=closed,
            suppression=row.text("ResolutionReason", "FindingStatus") if closed else None,
        )


@reads("wiz-issues-csv", lambda table: {"Title", "Control ID", "Wiz URL", "Issue ID"} <= set(table.texts("columns")),
       kind="csv", tool="wiz")  # fmt: skip
def issues(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        closed = (row.text("Status") or "").lower() in ("resolved", "rejected")
        yield Problem(
            row,
            "misconfiguration",
            title=row.text("Title"),
            rule_id=row.text("Control ID"),
            severity=row.text("Severity"),
            ids=ids_in(row.text("Title")),
            description=row.text("Description"),
            remediation=row.text("Remediation Recommendation"),
            symbol=row.text("Resource external ID", "Resource Name"),
            suppressed=closed,
            suppression=row.text("Resolution", "Status") if closed else None,
        )
