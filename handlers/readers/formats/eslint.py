"""ESLint's JSON (formatters `json` and `json-with-metadata`): https://eslint.org/docs/latest/use/formatters/.

secretlint (https://github.com/secretlint/secretlint) writes the same, with the found secret in its messages.

Rules of plugins for security, and those of ESLint that forbid running text as code, make class `code`; the rest is
`quality`. Messages that a comment suppresses are counted, not listed.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Class

SECURITY = ("security", "no-unsanitized", "@microsoft/sdl", "xss", "scanjs-rules", "sonarjs")
SECRETS = ("@secretlint", "no-secrets")
EVAL = {"no-eval", "no-implied-eval", "no-new-func", "no-script-url", "react/no-danger"}
LEVELS = {"1": "warning", "2": "error"}


def claims(report: Node) -> bool:
    return some(report, "filePath", "messages") or some(report, "filePath", "messages", path="results")


@reads("eslint", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for file in ledger.records(report["results"] if report.is_object else report):
        ledger.skip("suppressed in the source", len(file.items("suppressedMessages")))
        for record in ledger.records(file, "messages"):
            yield _problem(record, file)


def _problem(record: Node, file: Node) -> Problem:
    rule = record.text("ruleId")
    level = record.text("severity") or ""
    class_ = _class(rule or "")
    return Problem(
        record,
        class_,
        title=f"Secret found: {record.text('messageId') or rule}" if class_ == "secret" else record.text("message"),
        rule_id=rule,
        severity=LEVELS.get(level, level),
        path=file.text("filePath"),
        line=record.integer("line"),
        end_line=record.integer("endLine"),
        column=record.integer("column"),
        snippet=_line(file.text("source"), record.integer("line")),
        tool="secretlint" if (rule or "").startswith("@secretlint") else None,
    )


def _class(rule: str) -> Class:
    if rule.startswith(SECRETS):
        return "secret"
    return "code" if rule in EVAL or rule.startswith(SECURITY) else "quality"


def _line(source: str | None, line: int | None) -> str | None:
    lines = (source or "").splitlines()
    return lines[line - 1].strip() if line and 0 < line <= len(lines) else None
