"""OWASP dependency-check's JSON and XML: https://github.com/dependency-check/DependencyCheck, core/src/main/resources
(dependency-check.*.xsd, templates/jsonReport.vsl). Suppressed vulnerabilities are counted, not listed."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.records import Package


def claims(report: Node) -> bool:
    return "dependencies" in report and ("reportSchema" in report or "scanInfo" in report)


@reads("dependency-check", claims)
def from_json(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("scanInfo.engineVersion")
    for dependency in ledger.records(report, "dependencies"):
        ledger.skip("suppressed", len(dependency.items("suppressedVulnerabilities")))
        for record in ledger.records(dependency, "vulnerabilities"):
            yield _problem(record, dependency, dependency.items("packages"))


def claims_xml(root: Node) -> bool:
    return isinstance(root, XmlNode) and root.name == "analysis" and root.has("projectInfo", "dependencies")


@reads("dependency-check-xml", claims_xml, kind="xml", tool="dependency-check")
def from_xml(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = root.text("scanInfo.engineVersion")
    for dependency in root.items("dependencies.dependency"):
        ledger.skip("suppressed", len(dependency.items("vulnerabilities.suppressedVulnerability")))
        known = dependency.items("identifiers.package") + dependency.items("identifiers.identifier")
        for record in dependency.items("vulnerabilities.vulnerability"):
            yield _problem(record, dependency, known)


def _problem(record: Node, dependency: Node, packages: list[Node]) -> Problem:
    references = record.items("references.reference") or record.items("references")
    return Problem(
        record,
        "vulnerability",
        title=f"{record.text('name') or 'Vulnerability'} in {dependency.text('fileName') or 'a dependency'}",
        rule_id=record.text("name"),
        severity=record.text("severity"),
        cvss_score=record.number(
            "cvssv4.baseScore", "cvssv3.baseScore", "cvssV3.baseScore", "cvssv2.score", "cvssV2.score", "cvssScore"
        ),
        cwes=[*record.texts("cwes"), *record.texts("cwes.cwe"), *record.texts("cwe")],
        ids=ids_in(record.text("name")) or (record.text("name"),),
        description=record.text("description"),
        references=[each.text("url") for each in references],
        path=dependency.text("filePath"),
        package=_package(dependency, packages),
    )


def _package(dependency: Node, packages: list[Node]) -> Package | None:
    """By its purl; before version 5 by Maven coordinates `(group:artifact:version)`; else by its file's name."""
    for each in packages:
        if (each.text("id") or "").startswith("pkg:"):
            return package(None, purl=each.text("id"))
        coordinates = (each.text("name") or "").strip("()").split(":")
        if each.text("type") == "maven" and len(coordinates) == 3:
            return package(":".join(coordinates[:2]), of="maven", version=coordinates[2])
    return package(dependency.text("fileName"), version=dependency.text("version"))
