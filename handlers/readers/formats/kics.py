"""KICS' JSON: https://docs.kics.io/latest/results/, pkg/model/summary.go. One problem a file of a query."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


def claims(report: Node) -> bool:
    return "queries" in report and (
        "queries_total" in report or "kics_version" in report or some(report, "query_name", "files", path="queries")
    )


@reads("kics", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("kics_version")
    ledger.counted(report.integer("total_counter"), report["queries"])
    for query in report.items("bill_of_materials"):
        ledger.skip("bill of materials", len(query.items("files")))
    for query in ledger.records(report, "queries"):
        for record in ledger.records(query, "files"):
            yield _problem(record, query)


def _problem(record: Node, query: Node) -> Problem:
    is_secret = (query.text("query_name") or "").startswith("Passwords And Secrets")
    wanted, actual = record.text("expected_value"), record.text("actual_value")
    return Problem(
        record,
        "secret" if is_secret else "misconfiguration",
        title=query.text("query_name"),
        rule_id=query.text("query_id"),
        severity=query.text("severity"),
        cwes=query.text("cwe"),
        description=" ".join(filter(None, (query.text("description"), None if is_secret else actual))),
        remediation=wanted,
        references=(query.text("query_url"),),
        path=record.text("file_name"),
        line=record.integer("line"),
        symbol=record.text("resource_name") or (None if is_secret else record.text("search_key")),
    )
