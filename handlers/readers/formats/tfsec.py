"""tfsec's JSON: https://github.com/aquasecurity/tfsec, the result writers of version 0.3x and of defsec (1.x)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, some

NO_PROBLEM = {"passed": "passed", "1": "passed", "ignored": "ignored in the source", "2": "ignored in the source"}


def claims(report: Node) -> bool:
    """`{"results": null}` is what tfsec writes for nothing found."""
    if report.is_object and list(report.value) == ["results"] and report["results"].value is None:
        return True
    marks = ("rule_description", "rule_provider", "range")
    oldest = (each for each in early(report, "results") if each["location"].has("filename", "start_line"))
    return any(some(report, "rule_id", mark, path="results") for mark in marks) or any("rule_id" in e for e in oldest)


@reads("tfsec", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "results"):
        status = (record.text("status") or "").lower()
        if status in NO_PROBLEM:
            ledger.skip(NO_PROBLEM[status])
        elif record.flag("passed"):
            ledger.leave_out("listed among the problems, but marked as passed")
        else:
            yield _problem(record)


def _problem(record: Node) -> Problem:
    place, span = record["location"], record["range"]
    return Problem(
        record,
        "misconfiguration",
        title=record.text("rule_description", "description"),
        rule_id=record.text("long_id", "rule_id"),
        severity=record.text("severity"),
        description=" ".join(filter(None, (record.text("description"), record.text("impact")))),
        remediation=record.text("resolution"),
        references=record.texts("links") or record.texts("link"),
        path=place.text("filename") or span.text("filename"),
        line=place.integer("start_line") or span.integer("start.line", "start_line"),
        end_line=place.integer("end_line") or span.integer("end.line", "end_line"),
        symbol=record.text("resource"),
    )
