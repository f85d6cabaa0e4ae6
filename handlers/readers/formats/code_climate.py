"""Code Climate's issues, and GitLab's code quality report that is a part of them:
https://github.com/codeclimate/platform, spec/analyzers/SPEC.md; https://docs.gitlab.com/ci/testing/code_quality/."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early


def claims(report: Node) -> bool:
    return any(
        "description" in each and ("path" in each["location"]) and ("check_name" in each or "fingerprint" in each)
        for each in early(report)
    )


@reads("code-climate", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        if (record.text("type") or "issue").lower() != "issue":
            ledger.skip(f"{record.text('type')}, no issue")
            continue
        place = record["location"]
        yield Problem(
            record,
            "code" if "Security" in record.texts("categories") else "quality",
            title=record.text("description"),
            rule_id=record.text("check_name"),
            severity=record.text("severity"),
            description=record.text("content.body"),
            tool=record.text("engine_name"),
            path=place.text("path"),
            line=place.integer("lines.begin", "lines.begin.line", "positions.begin.line"),
            end_line=place.integer("lines.end", "lines.end.line", "positions.end.line"),
            column=place.integer("positions.begin.column"),
        )
