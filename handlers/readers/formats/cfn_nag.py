"""cfn-nag's JSON (https://github.com/stelligent/cfn_nag, lib/cfn-nag/result_view/json_results.rb) and Conftest's
(https://www.conftest.dev/options/, output/result.go): policies on the files of an infrastructure."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Severity

TYPES: dict[str, Severity] = {"fail": "high", "warn": "medium", "failures": "high", "warnings": "medium"}


@reads("cfn-nag", lambda report: some(report, "filename", "file_results"))
def cfn_nag(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a rule and file, as cfn-nag counts; its resources are in the symbol."""
    for file in ledger.records(report):
        for record in ledger.records(file["file_results"], "violations"):
            yield Problem(
                record,
                "misconfiguration",
                title=record.text("message"),
                rule_id=record.text("id"),
                severity=record.text("type"),
                severity_origin="type",
                scale=TYPES,
                path=file.text("filename"),
                line=next((line.integer() for line in record.items("line_numbers")), None),
                symbol=", ".join(record.texts("logical_resource_ids")) or None,
            )


def claims_conftest(report: Node) -> bool:
    return some(report, "filename", "successes") or some(report, "filename", "namespace", "failures")


@reads("conftest", claims_conftest)
def conftest(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for file in ledger.records(report):
        ledger.skip("passed", max(0, file.integer("successes") or 0))
        ledger.skip("excepted by a policy", len(file.items("exceptions")))
        for kind in ("failures", "warnings"):
            for record in ledger.records(file, kind):
                yield Problem(
                    record,
                    "misconfiguration",
                    title=record.text("msg"),
                    rule_id=record.text("metadata.query") or file.text("namespace"),
                    severity=kind,
                    severity_origin="list",
                    scale=TYPES,
                    path=file.text("filename"),
                )
