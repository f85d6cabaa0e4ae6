"""Sysdig Secure: the command line scanner's JSON and CSV, the reports on vulnerabilities (JSON and CSV, 2023 and 2025).
Source: docs.sysdig.com (CLI scanner, vulnerability reporting)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


@reads("sysdig", lambda report: report.at("result.packages").is_list and "vulnTotalBySeverity" in report["result"])
def scanner(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("scanner.version")
    image = report.text("result.metadata.pullString")
    for part in ledger.records(report, "result.packages"):
        for record in ledger.records(part, "vulns"):
            accepted = bool(record["acceptedRisks"])
            yield Problem(
                record,
                "vulnerability",
                title=f"{record.text('name')} in {part.text('name')}",
                rule_id=record.text("name"),
                severity=record.text("severity.value", "severity"),
                cvss_vector=record.text("cvssScore.value.vector"),
                cvss_score=record.number("cvssScore.value.score"),
                ids=(record.text("name"),),
                path=part.text("path"),
                symbol=image,
                package=package(
                    part.text("name"),
                    of=part.text("type"),
                    version=part.text("version"),
                    fixed=(record.text("fixedInVersion"),),
                ),
                suppressed=accepted,
                suppression="accepted risk" if accepted else None,
            )


def _tables(report: Node) -> list[Node]:
    """The table of a report, or those of its panels."""
    return [each["data"] for each in report.items("panels")] or [report["data"]]


def claims_report(report: Node) -> bool:
    return some(report, "vulnName", "packageName", path="data") or any(
        some(each, "vuln_id", "scan_package_name", path="data") for each in report.items("panels")
    )


@reads("sysdig-report", claims_report, tool="sysdig")
def table(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for listed in _tables(report):
        for record in ledger.records(listed):
            yield _row(record, JSON)


def claims_csv(table: Node) -> bool:
    columns = {each.lower() for each in table.texts("columns")}
    named = not columns.isdisjoint({"vulnerability id", "vulnerability name", "cve id"})
    return named and columns >= {"package name", "package type", "package path", "risk accepted"}


@reads("sysdig-csv", claims_csv, kind="csv", tool="sysdig")
def rows(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for cells in ledger.records(table, "rows"):
        row = Node({name.lower(): cell.value for name, cell in cells.fields()}, cells.parent, cells.key)
        yield _row(row, CSV)


JSON = {
    "id": ("vulnName", "vuln_id"),
    "severity": ("vulnSeverity", "vuln_severity"),
    "vector": ("vulnCvssVector", "vuln_cvss_vector"),
    "score": ("vulnCvssScore", "vuln_cvss_score"),
    "link": ("vulnLink",),
    "name": ("packageName", "scan_package_name"),
    "type": ("packageType", "scan_package_type"),
    "version": ("packageVersion", "scan_package_version"),
    "path": ("packagePath", "scan_package_path"),
    "fixed": ("vulnFixVersion", "vuln_fixed_in_version"),
    "image": ("imagePullString", "container_image"),
    "accepted": ("vulnRiskAccepted", "vuln_risk_accepted"),
}
CSV = {
    "id": ("vulnerability id", "vulnerability name", "cve id"),
    "severity": ("severity", "vulnerability severity", "cve severity"),
    "vector": ("cvss vector",),
    "score": ("cvss score",),
    "link": ("vuln link", "cve url"),
    "name": ("package name",),
    "type": ("package type",),
    "version": ("package version",),
    "path": ("package path",),
    "fixed": ("fix version",),
    "image": ("image", "image name"),
    "accepted": ("risk accepted",),
}
"""The same facts under the names that each of Sysdig's reports has for them."""


def _row(record: Node, names: dict[str, tuple[str, ...]]) -> Problem:
    said = {fact: record.text(*columns) for fact, columns in names.items()}
    accepted = any(record.flag(column) for column in names["accepted"])
    return Problem(
        record,
        "vulnerability",
        title=f"{said['id']} in {said['name']}",
        rule_id=said["id"],
        severity=said["severity"],
        cvss_vector=said["vector"],
        cvss_score=record.number(*names["score"]) or None,
        ids=ids_in(said["id"]) or (said["id"],),
        references=(said["link"],),
        path=said["path"],
        symbol=said["image"],
        package=package(said["name"], of=said["type"], version=said["version"], fixed=(said["fixed"],)),
        suppressed=accepted,
        suppression="accepted risk" if accepted else None,
    )
