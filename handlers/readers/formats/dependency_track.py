"""Dependency-Track: the Finding Packaging Format and the list of the findings API.
https://docs.dependencytrack.org/integrations/file-formats/."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


def claims(report: Node) -> bool:
    packaged = report.text("meta.application") == "Dependency-Track"
    return packaged or (report.is_list and some(report, "component", "vulnerability"))


@reads("dependency-track", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("meta.version")
    if report.is_object and report["findings"].value is None:
        ledger.warn("this export has no list of findings")
    for record in ledger.records(report if report.is_list else report["findings"]):
        yield _problem(record)


def _problem(record: Node) -> Problem:
    flaw, part, analysis = record["vulnerability"], record["component"], record["analysis"]
    suppressed = analysis.flag("isSuppressed") is True
    aliases = [
        text
        for each in flaw.items("aliases")
        for key, value in each.fields()
        if key.endswith("Id") and (text := value.text())
    ]
    cwes = [each.text("cweId") for each in flaw.items("cwes")]
    return Problem(
        record,
        "vulnerability",
        title=flaw.text("title") or f"{flaw.text('vulnId')} in {part.text('name')}",
        rule_id=flaw.text("vulnId"),
        severity=flaw.text("severity"),
        cvss_vector=flaw.text("cvssV4Vector", "cvssV3Vector", "cvssV2Vector"),
        cvss_score=flaw.number("cvssV4Score", "cvssV3BaseScore", "cvssV2BaseScore"),
        cwes=cwes or flaw.text("cweId"),
        ids=(flaw.text("vulnId"), *aliases),
        description=flaw.text("description", "subtitle"),
        remediation=flaw.text("recommendation"),
        references=(record.text("attribution.referenceUrl"),),
        package=package(part.text("name"), version=part.text("version"), purl=part.text("purl")),
        suppressed=suppressed,
        suppression=analysis.text("state") if suppressed else None,
    )
