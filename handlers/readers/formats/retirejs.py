"""retire.js' JSON (`--outputformat json`): https://github.com/RetireJS/retire.js, node/lib/reporters/json.ts.

Since version 2 an object, before that its `data` alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


def claims(report: Node) -> bool:
    if report.is_list:
        return some(report, "file", "results")
    return "data" in report and (some(report, "file", "results", path="data") or report.has("start", "version"))


@reads("retirejs", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    for error in report.texts("errors"):
        ledger.warn(f"retire.js says: {error}")
    for file in ledger.records(report if report.is_list else report["data"]):
        for component in ledger.records(file, "results"):
            for record in ledger.records(component, "vulnerabilities"):
                yield _problem(record, component, file)


def _problem(record: Node, component: Node, file: Node) -> Problem:
    known = record["identifiers"]
    name = component.text("component")
    ids = ids_in(*known.texts("CVE"), *known.texts("githubID"), *record.texts("info"))
    return Problem(
        record,
        "vulnerability",
        title=known.text("summary") or f"Vulnerability in {name or 'a library'}",
        rule_id=known.text("retid") or next(iter(ids), None),
        severity=record.text("severity"),
        cwes=record["cwe"],
        ids=ids,
        references=record.texts("info"),
        path=file.text("file"),
        package=package(
            component.text("npmname") or name,
            of="npm",
            version=component.text("version"),
            fixed=(record.text("below"),),
        ),
    )
