"""ESLint's JSON (formatters `json` and `json-with-metadata`): https://eslint.org/docs/latest/use/formatters/.

Rules of plugins for security, and those of ESLint that forbid running text as code, make class `code`; the rest is
`quality`. Messages that a comment suppresses are counted, not listed.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some

SECURITY = (
    "security",
    "no-unsanitized",
    "@microsoft/sdl",
    "xss",
    "scanjs-rules",
    "no-secrets",
    "@security/",
    "sonarjs",
)
EVAL = {"no-eval", "no-implied-eval", "no-new-func", "no-script-url", "react/no-danger"}
LEVELS = {"1": "warning", "2": "error"}


def claims(report: Node) -> bool:
    return some(report, "filePath", "messages") or some(report, "filePath", "messages", path="results")


@reads("eslint", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for file in ledger.records(report["results"] if report.is_object else report):
        ledger.skip("suppressed in the source", len(file.items("suppressedMessages")))
        for record in ledger.records(file, "messages"):
            rule = record.text("ruleId")
            level = record.text("severity") or ""
            yield Problem(
                record,
                "code" if rule and (rule in EVAL or rule.startswith(SECURITY)) else "quality",
                title=record.text("message"),
                rule_id=rule,
                severity=LEVELS.get(level, level),
                path=file.text("filePath"),
                line=record.integer("line"),
                end_line=record.integer("endLine"),
                column=record.integer("column"),
                snippet=_line(file.text("source"), record.integer("line")),
            )


def _line(source: str | None, line: int | None) -> str | None:
    lines = (source or "").splitlines()
    return lines[line - 1].strip() if line and 0 < line <= len(lines) else None
