"""Grype's JSON (`grype -o json`): https://github.com/anchore/grype, grype/presenter/models (Document, Match)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Location


def claims(report: Node) -> bool:
    if "matches" not in report or report.text("descriptor.name") not in (None, "grype"):
        return False
    empty = not report["matches"] and report.has("source", "distro")
    return empty or "descriptor" in report or some(report, "vulnerability", "artifact", path="matches")


@reads("grype", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("descriptor.version")
    ledger.skip("ignored by a rule of the scan", len(report.items("ignoredMatches")))
    for match in ledger.records(report, "matches"):
        flaw, artifact = match["vulnerability"], match["artifact"]
        related = match.items("relatedVulnerabilities")
        cvss = _cvss(flaw) or next(filter(None, map(_cvss, related)), Node(None))
        yield Problem(
            match,
            "vulnerability",
            title=_title(flaw, artifact),
            rule_id=flaw.text("id"),
            severity=flaw.text("severity"),
            cvss_vector=cvss.text("vector"),
            cvss_score=cvss.number("metrics.baseScore"),
            cwes=[each.text("cwe") for source in (flaw, *related) for each in source.items("cwes")],
            ids=(flaw.text("id"), *(each.text("id") for each in related)),
            description=flaw.text("description")
            or next((words for each in related if (words := each.text("description"))), None),
            references=(flaw.text("dataSource"), *flaw.texts("urls")),
            locations=[Location(path=place.text("path")) for place in artifact.items("locations")],
            package=package(
                artifact.text("name"),
                of=artifact.text("type", "language"),
                version=artifact.text("version"),
                fixed=flaw.texts("fix.versions") or flaw.texts("fixedInVersion"),
                purl=artifact.text("purl"),
            ),
        )


def _title(flaw: Node, artifact: Node) -> str:
    return f"{flaw.text('id') or 'vulnerability'} in {artifact.text('name') or 'an unnamed package'}"


def _cvss(flaw: Node) -> Node | None:
    """The score of the newest CVSS version among those given."""
    return max(flaw.items("cvss"), key=lambda each: each.text("version") or "", default=None)
