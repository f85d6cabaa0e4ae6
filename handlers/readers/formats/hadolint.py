"""Linters that write lists of equal records: hadolint (github.com/hadolint/hadolint, Hadolint/Formatter/Json.hs) and
ShellCheck (github.com/koalaman/shellcheck, ShellCheck/Formatter/JSON.hs and JSON1.hs)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early
from handlers.records import Class


def claims_hadolint(report: Node) -> bool:
    return report.is_list and any(
        each.has("line", "code", "message", "column") and isinstance(each["code"].value, str) for each in early(report)
    )


@reads("hadolint", claims_hadolint)
def hadolint(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report):
        yield _problem(record, "misconfiguration", record.text("code"))


def claims_shellcheck(report: Node) -> bool:
    records = early(report, "comments") if report.is_object else early(report)
    return any(each.has("line", "code", "endLine", "level") and isinstance(each["code"].value, int) for each in records)


@reads("shellcheck", claims_shellcheck)
def shellcheck(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report["comments"] if report.is_object else report):
        code = record.text("code")
        yield _problem(record, "quality", code and f"SC{code}")


def _problem(record: Node, class_: Class, rule: str | None) -> Problem:
    return Problem(
        record,
        class_,
        title=record.text("message"),
        rule_id=rule,
        severity=record.text("level"),
        severity_origin="level",
        path=record.text("file"),
        line=record.integer("line"),
        end_line=record.integer("endLine"),
        column=record.integer("column"),
    )
