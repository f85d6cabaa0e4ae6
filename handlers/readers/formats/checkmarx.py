"""Checkmarx beside its XML: Checkmarx One's results, CxFlow's JSON, the OSA report.

Sources: docs.checkmarx.com (results of Checkmarx One; OSA REST API), github.com/checkmarx-ltd/cx-flow (ScanResults).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Class

CLASSES: dict[str, Class] = {
    "sast": "code",
    "kics": "misconfiguration",
    "sca": "vulnerability",
    "containers": "vulnerability",
    "sscs-secret-detection": "secret",
}


def claims_one(report: Node) -> bool:
    return "results" in report and (
        some(report, "similarityId", "data", path="results") or report.has("scanID", "totalCount")
    )


@reads("checkmarx-one", claims_one, tool="checkmarx")
def one(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.counted(report.integer("totalCount"), report["results"])
    for record in ledger.records(report, "results"):
        data, flaw = record["data"], record["vulnerabilityDetails"]
        node = next(iter(data.items("nodes")), Node(None))
        state = (record.text("state") or "").upper()
        name = data.text("queryName") or flaw.text("cveName") or record.text("id")
        identity = data.text("packageIdentifier") or ""
        yield Problem(
            record,
            CLASSES.get(record.text("type") or "", "code"),
            title=(name or "").replace("_", " "),
            rule_id=name,
            severity=record.text("severity"),
            cwes=flaw["cweId"],
            ids=ids_in(flaw.text("cveName"), record.text("id")),
            description=record.text("description"),
            remediation=data.text("expectedValue"),
            path=node.text("fileName") or data.text("filename", "fileName"),
            line=node.integer("line") or data.integer("line"),
            column=node.integer("column"),
            symbol=node.text("fullName"),
            package=package(
                "-".join(identity.split("-")[1:-1]) or identity or None,
                of=identity.partition("-")[0].lower() or None,
                version=identity.rpartition("-")[2] or None,
                fixed=(data.text("recommendedVersion"),),
            ),
            suppressed=state == "NOT_EXPLOITABLE",
            suppression="not exploitable" if state == "NOT_EXPLOITABLE" else None,
        )


@reads("checkmarx-cxflow", lambda report: "xissues" in report or report.has("projectId", "additionalDetails"),
       tool="checkmarx")  # fmt: skip
def cxflow(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem an issue; its lines are locations of the first."""
    for record in ledger.records(report, "xissues"):
        lines = [(line, each) for line, each in record.fields("details")]
        judged = [each.flag("falsePositive") is True for _, each in lines]
        dismissed = bool(judged) and all(judged)
        yield Problem(
            record,
            "code",
            title=(record.text("vulnerability") or "").replace("_", " "),
            rule_id=record.text("vulnerability"),
            severity=record.text("severity"),
            cwes=record.text("cwe"),
            description=record.text("description"),
            references=(record.text("link"),),
            snippet=next((each.text("codeSnippet") for _, each in lines), None),
            path=record.text("filename"),
            line=next((int(line) for line, _ in lines if line.isdigit()), None),
            suppressed=dismissed,
            suppression="false positive" if dismissed else None,
        )


def _osa(report: Node) -> list[Node]:
    """Lists of libraries and of vulnerabilities, one after the other."""
    return [each for each in report.items() if some(each, "cveName", "libraryId") or some(each, "cveName", "severity")]


@reads("checkmarx-osa", lambda report: report.is_list and bool(_osa(report)), tool="checkmarx")
def osa(report: Node, ledger: Ledger) -> Iterator[Problem]:
    libraries = {each.text("id"): each for listed in report.items() for each in listed.items() if "matchType" in each}
    for listed in _osa(report):
        for record in ledger.records(listed):
            part = libraries.get(record.text("libraryId"), Node(None))
            dismissed = record.text("state.name") == "NOT_EXPLOITABLE"
            yield Problem(
                record,
                "vulnerability",
                title=f"{record.text('cveName')} in {part.text('name') or 'a library'}",
                rule_id=record.text("cveName"),
                severity=record.text("severity.name"),
                severity_origin="severity.name",
                cvss_score=record.number("score"),
                ids=(record.text("cveName"),),
                description=record.text("description"),
                remediation=record.text("recommendations"),
                references=(record.text("url"),),
                package=package(part.text("name"), version=part.text("version")),
                suppressed=dismissed,
                suppression="not exploitable" if dismissed else None,
            )
