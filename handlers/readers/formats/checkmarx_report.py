"""The scan report of Checkmarx One (JSON, versions 1 and 2): docs.checkmarx.com, "Scan reports".

Version 1 has `scanResults.sast.languages[].queries[]`, `scanResults.sca.packages[]`, `scanResults.kics.results[]`;
version 2 `scanResults.resultsList[]`, `iacScanResults.technology[].queries[]`, `scaScanResults.packages[]`.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node


def claims(report: Node) -> bool:
    return report.has("reportHeader", "scanResults")


@reads("checkmarx-report", claims, tool="checkmarx")
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    results = report["scanResults"]
    for language in ledger.records(results, "sast.languages"):
        for query in ledger.records(language, "queries"):
            yield from _code(query, ledger)
    for query in ledger.records(results, "resultsList"):
        yield from _code(query, ledger)
    for technology in ledger.records(report, "iacScanResults.technology"):
        for query in ledger.records(technology, "queries"):
            for record in ledger.records(query, "resultsList"):
                yield _setting(record, query)
    for file in ledger.records(results, "kics.results"):
        for record in ledger.records(file, "vulnerabilities"):
            yield _setting(record, record)
    for holder in (results["sca"], report["scaScanResults"]):
        for part in ledger.records(holder, "packages"):
            for record in ledger.records(part, "vulnerabilities"):
                yield _flaw(record, part)
    for kind in ("containerScanResults", "apiSecScanResults"):
        if report.integer(f"{kind}.totalResults"):
            ledger.leave_out(f"{kind} of the report are not read", report.integer(f"{kind}.totalResults") or 0)


def _judged(record: Node) -> dict[str, str | bool | None]:
    """What a person said of it: `NOT_EXPLOITABLE` in one version, `Not Exploitable` in the other."""
    dismissed = (record.text("state") or "").lower().replace("_", " ") == "not exploitable"
    return {"suppressed": dismissed, "suppression": "not exploitable" if dismissed else None}


def _code(query: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.counted(query.integer("vulnerabilitiesTotal"), query["vulnerabilities"])
    for record in ledger.records(query, "vulnerabilities"):
        nodes = record.items("nodes") or [Node(None)]
        yield Problem(
            record,
            "code",
            title=(query.text("queryName") or "").replace("_", " "),
            rule_id=query.text("queryName"),
            severity=record.text("severity"),
            cwes=record["cweId"] or query["cweId"],
            description=query.text("description") or None,
            snippet=nodes[-1].text("code"),
            path=record.text("destinationFileName") or nodes[-1].text("fileName"),
            line=record.integer("destinationLine") or nodes[-1].integer("line"),
            symbol=nodes[-1].text("method"),
            **_judged(record),  # type: ignore[arg-type]
        )


def _setting(record: Node, query: Node) -> Problem:
    return Problem(
        record,
        "misconfiguration",
        title=query.text("queryName"),
        rule_id=query.text("queryName"),
        severity=record.text("severity"),
        description="; ".join(filter(None, (query.text("description"), record.text("actualValue")))),
        remediation=record.text("expectedValue"),
        references=(record.text("resultViewerLink"),),
        path=record.text("fileName"),
        line=record.integer("line"),
        **_judged(record),  # type: ignore[arg-type]
    )


def _flaw(record: Node, part: Node) -> Problem:
    """Packages are named `Npm-underscore-1.10.2`."""
    kind, _, name = (part.text("name", "packageName") or "").partition("-")
    version = record.text("version") or part.text("version", "packageVersion")
    cve = record.text("cveName", "cveId", "id")
    if version and name.endswith(f"-{version}"):
        name = name.removesuffix(f"-{version}")
    return Problem(
        record,
        "vulnerability",
        title=f"{cve} in {name or kind}",
        rule_id=cve,
        severity=record.text("severity"),
        cvss_score=record.number("score"),
        cwes=record.text("cwe", "cweId"),
        ids=ids_in(cve) or (cve,),
        description=record.text("description"),
        package=package(
            name or kind,
            of=kind.lower() if name else None,
            version=version,
            fixed=(record.text("fixResolutionText", "recommendedVersion"),),
        ),
        **_judged(record),  # type: ignore[arg-type]
    )
