"""Terrascan's JSON: https://github.com/tenable/terrascan, pkg/policy/interface.go and pkg/results/types.go."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node


def claims(report: Node) -> bool:
    results = report["results"]
    return "violations" in results and ("scan_summary" in results or "count" in results)


@reads("terrascan", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    results = report["results"]
    ledger.skip("skipped in the source", len(results.items("skipped_violations")))
    ledger.skip("passed", len(results.items("passed_rules")))
    for record in ledger.records(results, "violations"):
        resource = (record.text("resource_type"), record.text("resource_name"))
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("description", "rule_name"),
            rule_id=record.text("rule_id"),
            severity=record.text("severity"),
            path=record.text("file"),
            line=record.integer("line"),
            symbol=".".join(filter(None, resource)) or None,
        )
