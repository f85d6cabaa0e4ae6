"""cfn-lint's JSON: https://github.com/aws-cloudformation/cfn-lint, src/cfnlint/formatters (JsonFormatter)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


@reads("cfn-lint", lambda report: some(report, "Rule", "Location", "Message", "Filename"))
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report):
        rule = record["Rule"]
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("Message"),
            rule_id=rule.text("Id"),
            severity=record.text("Level"),
            severity_origin="Level",
            description=rule.text("Description"),
            references=(rule.text("Source"),),
            path=record.text("Filename"),
            line=record.integer("Location.Start.LineNumber"),
            end_line=record.integer("Location.End.LineNumber"),
            column=record.integer("Location.Start.ColumnNumber"),
            symbol=".".join(record.texts("Location.Path")) or None,
        )
