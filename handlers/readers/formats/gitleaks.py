"""gitleaks' JSON, version 8 and after (`RuleID`) and before (`rule`), as a list or JSON Lines.
https://github.com/gitleaks/gitleaks#reports"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


def claims(report: Node) -> bool:
    return some(report, "RuleID", "File", "Match") or some(report, "rule", "offender", "file")


@reads("gitleaks", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        rule = record.text("RuleID", "rule")
        yield Problem(
            record,
            "secret",
            title=record.text("Description", "rule") or rule,
            rule_id=rule,
            description=_where(record),
            path=record.text("File", "file"),
            line=record.integer("StartLine", "lineNumber"),
            end_line=record.integer("EndLine"),
            column=record.integer("StartColumn"),
            references=(record.text("Link", "leakURL"),),
            cwes="CWE-798",
            secrets=(record.text("Secret", "offender"), record.text("Match", "line")),
        )


def _where(record: Node) -> str:
    commit = record.text("Commit", "commit")
    return f"Secret found in commit {commit}" if commit else "Secret found in the working tree"
