"""Checkov's JSON (`checkov -o json`): one object a framework, or a list of them.
https://www.checkov.io/8.Outputs/JSON.html"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early

COUNTS = {"passed", "failed", "skipped", "parsing_errors", "resource_count", "checkov_version",
          "parsingerrors", "resourcecount"}  # fmt: skip
"""What Checkov writes if it found no file to check: the summary alone."""


def claims(report: Node) -> bool:
    frameworks = early(report)
    return bool(frameworks) and all(_mine(each) for each in frameworks)


def _mine(report: Node) -> bool:
    results = report["results"]
    return ("check_type" in report and results.is_object and "failed_checks" in results) or (
        report.is_object and {"passed", "failed", "checkov_version"} <= set(report.value) <= COUNTS
    )


@reads("checkov", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for framework in ledger.entries(report):
        ledger.tool_version = framework.text("summary.checkov_version", "checkov_version")
        results = framework["results"]
        ledger.skip("passed", len(results.items("passed_checks")))
        ledger.skip("skipped by a comment or an option", len(results.items("skipped_checks")))
        for file in results.texts("parsing_errors"):
            ledger.warn(f"checkov could not parse {file}")
        for record in ledger.records(results, "failed_checks"):
            yield _problem(record, framework)


def _problem(record: Node, framework: Node) -> Problem:
    flaw = record["vulnerability_details"]
    kind = framework.text("check_type") or ""
    lines = [line[1].text() or "" for line in record.items("code_block")]
    return Problem(
        record,
        "vulnerability" if flaw.is_object else "secret" if kind == "secrets" else "misconfiguration",
        title=record.text("check_name"),
        rule_id=record.text("check_id"),
        severity=record.text("severity") or flaw.text("severity"),
        cvss_score=flaw.number("cvss"),
        cvss_vector=flaw.text("vector"),
        ids=ids_in(flaw.text("id"), record.text("check_id")),
        description=record.text("description", "short_description") or flaw.text("description"),
        references=(record.text("guideline"), flaw.text("link")),
        snippet="\n".join(lines) or None,
        path=record.text("repo_file_path", "file_path"),
        line=record["file_line_range"][0].integer(),
        end_line=record["file_line_range"][1].integer(),
        symbol=record.text("resource"),
        package=package(
            flaw.text("package_name"),
            version=flaw.text("package_version"),
            fixed=(flaw.text("lowest_fixed_version"),),
        ),
    )
