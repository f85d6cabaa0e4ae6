"""mobsfscan's and njsscan's JSON: https://github.com/MobSF/mobsfscan, https://github.com/ajinabraham/njsscan (both by
libsast). One problem a file; a rule about what is missing names none."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


def claims(report: Node) -> bool:
    parts = ("results", "nodejs", "templates")
    versions = ("mobsfscan_version", "njsscan_version")
    return any(part in report for part in parts) and (
        any(version in report for version in versions)
        or any(some(report, "metadata", "files", path=part) for part in parts)
    )


@reads("mobsfscan", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool = "njsscan" if "nodejs" in report or "njsscan_version" in report else ledger.tool
    ledger.tool_version = report.text("mobsfscan_version", "njsscan_version")
    for error in report.texts("errors"):
        ledger.warn(f"{ledger.tool} says: {error}")
    for part in ("results", "nodejs", "templates"):
        for rule, found in ledger.members(report, part):
            for record in ledger.records(found, "files") if found["files"] else (found,):
                yield _problem(record, rule, found["metadata"])


def _problem(record: Node, rule: str, about: Node) -> Problem:
    is_secret = "hardcoded" in rule or "secret" in rule
    lines = record.items("match_lines")
    return Problem(
        record,
        "secret" if is_secret else "code",
        title=about.text("description"),
        rule_id=rule,
        severity=about.text("severity"),
        cwes=about.text("cwe"),
        references=(about.text("reference"),),
        snippet=record.text("match_string"),
        path=record.text("file_path"),
        line=lines[0].integer() if lines else None,
        end_line=lines[-1].integer() if lines else None,
        secrets=record.texts("match_string") if is_secret else (),
    )
