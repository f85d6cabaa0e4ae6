"""Burp's issues as its REST API (Professional) and its GraphQL API (Enterprise, DAST) give them.

Sources: https://portswigger.net/burp/documentation/desktop/settings/suite/rest-api,
https://portswigger.net/burp/extensibility/dast/graphql-api. Requests and responses are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import plain, some


@reads("burp-rest", lambda report: report.has("scan_status", "issue_events"), tool="burp")
def rest(report: Node, ledger: Ledger) -> Iterator[Problem]:
    if report.text("scan_status") == "failed":
        ledger.scan_failed(f"Burp says: {report.text('message') or 'the scan failed'}")
    for event in ledger.records(report, "issue_events"):
        record = event["issue"]
        yield Problem(
            record,
            "dast",
            title=record.text("name"),
            rule_id=record.text("type_index", "name"),
            severity=record.text("severity"),
            description=plain(record.text("description", "issue_background")),
            remediation=plain(record.text("remediation", "remediation_background")),
            url=f"{record.text('origin') or ''}{record.text('path') or ''}" or None,
        )


def claims_graphql(report: Node) -> bool:
    return any(some(report, "issue_type", "origin", path=path) for path in ("Issues", "data.scan.issues"))


@reads("burp-graphql", claims_graphql, tool="burp")
def graphql(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for error in report.items("errors"):
        ledger.scan_failed(f"Burp says: {error.text('message')}")
    for record in ledger.records(report, "Issues" if "Issues" in report else "data.scan.issues"):
        kind = record["issue_type"]
        yield Problem(
            record,
            "dast",
            title=kind.text("name"),
            rule_id=kind.text("type_index", "name"),
            severity=record.text("severity"),
            cwes=kind.text("vulnerability_classifications_html"),
            description=plain(record.text("description_html") or kind.text("description_html")),
            remediation=plain(record.text("remediation_html") or kind.text("remediation_html")),
            url=f"{record.text('origin') or ''}{record.text('path') or ''}" or None,
        )
