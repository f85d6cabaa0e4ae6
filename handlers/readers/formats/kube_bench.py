"""kube-bench's JSON: https://github.com/aquasecurity/kube-bench, check/controls.go. FAIL and WARN state a problem; the
benchmark gives no severity."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


def claims(report: Node) -> bool:
    return any(some(report, "node_type", "tests", path=path) for path in ("", "Controls")) or some(
        report, "Controls", "Totals"
    )


@reads("kube-bench", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for part in ledger.entries(report):
        for control in ledger.records(part, "Controls") if "Controls" in part else (part,):
            for section in ledger.records(control, "tests"):
                ledger.counted(sum(section.integer(each) or 0 for each in ("fail", "warn")), section["results"])
                for record in ledger.records(section, "results"):
                    status = (record.text("status") or "").upper()
                    if status in ("FAIL", "WARN"):
                        yield _problem(record, control)
                    else:
                        ledger.skip({"PASS": "passed", "INFO": "informational"}.get(status, "no status"))


def _problem(record: Node, control: Node) -> Problem:
    return Problem(
        record,
        "misconfiguration",
        title=record.text("test_desc"),
        rule_id=record.text("test_number"),
        description=f"{record.text('status')}: {record.text('reason') or record.text('audit') or 'no details'}",
        remediation=record.text("remediation"),
        symbol=control.text("node_type"),
    )
