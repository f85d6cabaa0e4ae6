"""Trivy's JSON: every scan type (vulnerabilities, misconfigurations, secrets, licences), of schema 1 (a list) and 2,
and the cluster scans that hold them in `Resources`. https://trivy.dev/latest/docs/configuration/reporting/#json"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early

KEYS = ("Vulnerabilities", "Type", "Class", "Misconfigurations", "Secrets", "Licenses")


def claims(report: Node) -> bool:
    if report.is_list:
        first = early(report)
        return bool(first) and all("Target" in each and any(key in each for key in KEYS) for each in first)
    if "Results" in report and any("Target" in each for each in early(report, "Results")):
        return True
    if report.has("ArtifactName") and ("SchemaVersion" in report or "Results" in report):
        return True
    return "ClusterName" in report and any(key in report for key in ("Resources", "Findings", "Vulnerabilities"))


@reads("trivy", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("Trivy.Version")
    if report.is_list:
        yield from _results(report, "", ledger)
        return
    ledger.repository = report.text("Metadata.RepoURL")
    if ledger.repository is None and report.text("ArtifactType") == "repository":
        ledger.repository = report.text("ArtifactName")
    yield from _results(report, "Results", ledger)
    for group in ("Resources", "Findings", "Vulnerabilities", "Misconfigurations"):
        for resource in ledger.records(report, group):
            yield from _results(resource, "Results", ledger)


def claims_compliance(report: Node) -> bool:
    controls = early(report, "Results")
    return "SummaryControls" in report or (
        report.has("ID", "Title", "Results") and all(each.has("ID", "Results") for each in controls)
    )


@reads("trivy-compliance", claims_compliance, tool="trivy")
def compliance(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """`trivy --compliance`: the summary counts failures by control, the full report holds them."""
    for control in ledger.records(report, "SummaryControls"):
        failed = control.integer("TotalFail") or 0
        if failed:
            yield Problem(
                control,
                "misconfiguration",
                title=control.text("Name"),
                rule_id=control.text("ID"),
                severity=control.text("Severity"),
                description=f"{failed} resources fail this control",
            )
        else:
            ledger.skip("passed")
    for control in ledger.records(report, "Results"):
        yield from _results(control, "Results", ledger)


def _results(above: Node, path: str, ledger: Ledger) -> Iterator[Problem]:
    for result in ledger.records(above, path):
        yield from (_vulnerability(each, result) for each in ledger.records(result, "Vulnerabilities"))
        for check in ledger.records(result, "Misconfigurations"):
            if (check.text("Status") or "FAIL") == "FAIL":
                yield _misconfiguration(check, result)
            else:
                ledger.skip("passed" if check.text("Status") == "PASS" else "excepted")
        yield from (_secret(each, result) for each in ledger.records(result, "Secrets"))
        yield from (_licence(each, result) for each in ledger.records(result, "Licenses"))
        ledger.skip("suppressed by Trivy", len(result.items("ExperimentalModifiedFindings")))


def _vulnerability(record: Node, result: Node) -> Problem:
    score, vector = _cvss(record)
    name = record.text("VulnerabilityID")
    return Problem(
        record,
        "vulnerability",
        title=record.text("Title") or f"{name} in {record.text('PkgName')}",
        rule_id=name,
        severity=record.text("Severity"),
        severity_origin="Severity",
        cvss_score=score,
        cvss_vector=vector,
        cwes=record["CweIDs"],
        ids=(name, *record.texts("VendorIDs")),
        description=record.text("Description"),
        references=(record.text("PrimaryURL"), *record.texts("References")),
        path=record.text("PkgPath") or result.text("Target"),
        symbol=record.text("Layer.DiffID"),
        package=package(
            record.text("PkgName"),
            of=result.text("Type"),
            version=record.text("InstalledVersion"),
            fixed=(record.text("FixedVersion") or "").split(","),
            purl=record.text("PkgIdentifier.PURL", "PkgRef"),
        ),
    )


def _cvss(record: Node) -> tuple[float | None, str | None]:
    """(score, vector) of the source that gave the severity, else of NVD, else of any; version 4 and 3 before 2."""
    source = record.text("SeveritySource") or ""
    given = [record["CVSS"][source], record["CVSS"]["nvd"], *(each for _, each in record.fields("CVSS"))]
    for version in ("V40", "V3", "V2"):
        for each in given:
            score, vector = each.number(f"{version}Score"), each.text(f"{version}Vector")
            if score is not None or vector is not None:
                return score, vector
    return None, None


def _misconfiguration(check: Node, result: Node) -> Problem:
    cause = check["CauseMetadata"]
    lines = (line.value for line in (each["Content"] for each in cause.items("Code.Lines")))
    return Problem(
        check,
        "misconfiguration",
        title=check.text("Title"),
        rule_id=check.text("AVDID", "ID"),
        severity=check.text("Severity"),
        severity_origin="Severity",
        ids=ids_in(check.text("ID")),
        description=check.text("Message") or check.text("Description"),
        remediation=check.text("Resolution"),
        references=(check.text("PrimaryURL"), *check.texts("References")),
        snippet="\n".join(line for line in lines if isinstance(line, str)) or None,
        path=result.text("Target"),
        line=cause.integer("StartLine"),
        end_line=cause.integer("EndLine"),
        symbol=cause.text("Resource"),
    )


def _secret(record: Node, result: Node) -> Problem:
    return Problem(
        record,
        "secret",
        title=record.text("Title"),
        rule_id=record.text("RuleID"),
        severity=record.text("Severity"),
        severity_origin="Severity",
        description=f"{record.text('Category') or 'A secret'} found",
        path=result.text("Target"),
        line=record.integer("StartLine"),
        end_line=record.integer("EndLine"),
        secrets=(record.text("Match"),),
    )


def _licence(record: Node, result: Node) -> Problem:
    name = record.text("Name")
    return Problem(
        record,
        "licence",
        title=f"{name} ({record.text('Category') or 'unknown category'})",
        rule_id=name,
        severity=record.text("Severity"),
        severity_origin="Severity",
        references=(record.text("Link"),),
        path=record.text("FilePath") or result.text("Target"),
        package=package(record.text("PkgName")),
    )
