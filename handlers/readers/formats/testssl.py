"""testssl.sh's JSON (flat and pretty) and CSV: https://github.com/testssl/testssl.sh, doc/testssl.1.md, "--jsonfile".

LOW, MEDIUM, HIGH and CRITICAL state a problem; OK, INFO and DEBUG state none; WARN says that a test could not be made,
FATAL that the scan ended early.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some

PROBLEMS = {"LOW", "MEDIUM", "HIGH", "CRITICAL"}
COLUMNS = {"id", "fqdn/ip", "port", "severity", "finding"}


def claims_flat(report: Node) -> bool:
    return report.is_list and some(report, "id", "severity", "finding", "ip", "port")


@reads("testssl", claims_flat)
def flat(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report):
        yield from _problem(record, record.text("ip"), record.text("port"), ledger)


@reads("testssl-pretty", lambda report: report.has("scanResult", "Invocation"), tool="testssl")
def pretty(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    for target in ledger.records(report, "scanResult"):
        host = "/".join(filter(None, (target.text("targetHost"), target.text("ip"))))
        for _, section in target.fields():
            if section.is_list:
                for record in ledger.records(section):
                    yield from _problem(record, host, target.text("port"), ledger)


def claims_csv(table: Node) -> bool:
    return set(table.texts("columns")) >= COLUMNS


@reads("testssl-csv", claims_csv, kind="csv", tool="testssl")
def from_csv(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        yield from _problem(row, row.text("fqdn/ip"), row.text("port"), ledger)


def _problem(record: Node, host: str | None, port: str | None, ledger: Ledger) -> Iterator[Problem]:
    severity = (record.text("severity") or "").upper()
    if severity == "FATAL":
        ledger.scan_failed(record.text("finding") or "testssl ended early")
    if severity == "WARN":
        ledger.warn(f"testssl could not test {record.text('id')}: {record.text('finding')}")
    if severity not in PROBLEMS:
        ledger.skip(f"severity {severity}" if severity else "malformed")
        return
    yield Problem(
        record,
        "dast",
        title=f"{record.text('id') or 'TLS'}: {record.text('finding') or 'no details'}",
        rule_id=record.text("id"),
        severity=severity,
        cwes=record["cwe"],
        ids=ids_in(record.text("cve")),
        url=f"{host or ''}:{port}" if port else host,
    )
