"""Semgrep's JSON (`semgrep --json`), also of Opengrep: https://semgrep.dev/docs/cli-reference#json-output"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handlers.readers import tools
from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early
from handlers.records import Severity

NO_LINES = "requires login"
"""What Semgrep writes instead of code and fingerprints if nobody is logged in."""

SCALE: Mapping[str, Severity] = {"info": "low", "inventory": "info", "experiment": "info"}
"""Semgrep's scale is ERROR, WARNING, INFO for high, medium, low: https://semgrep.dev/docs/writing-rules/rule-syntax"""


def claims(report: Node) -> bool:
    if not report["results"].is_list or "errors" not in report or "metrics" in report:
        return False
    results = early(report, "results")
    if results:
        return all(each.has("check_id", "path", "extra") for each in results)
    return len(report.value) == 2 or any(key in report for key in ("paths", "skipped_rules", "engine_requested"))


@reads("semgrep", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    for error in report.items("errors"):
        ledger.warn(f"semgrep {error.text('level') or 'error'}: {error.text('type', 'type_') or 'error'} "
                    f"in {error.text('path') or 'no file'}")  # fmt: skip
    for record in ledger.records(report, "results"):
        yield _problem(record)


def _problem(record: Node) -> Problem:
    extra, metadata = record["extra"], record.at("extra.metadata")
    lines = extra.text("lines")
    sca = extra.at("sca_info")
    tags = (metadata.text("category") or "", "secret" if "historical_info" in extra or extra.text("validation_state") in
            ("CONFIRMED_VALID", "CONFIRMED_INVALID") else "")  # fmt: skip
    return Problem(
        record,
        "vulnerability" if sca.is_object else tools.class_of("semgrep", tags),
        title=_title(record),
        rule_id=record.text("check_id"),
        severity=extra.text("severity"),
        severity_origin="extra.severity",
        scale=SCALE,
        cwes=metadata["cwe"] if metadata["cwe"] else metadata["cwe2021-top25"],
        ids=ids_in(metadata.text("sca-vuln-database-identifier", "ghsa"), record.text("check_id")),
        description=extra.text("message"),
        remediation=metadata.text("fix", "remediation"),
        references=(*metadata.texts("references"), metadata.text("source")),
        snippet=None if lines == NO_LINES else lines,
        path=record.text("path"),
        line=record.integer("start.line"),
        end_line=record.integer("end.line"),
        column=record.integer("start.col"),
        package=package(
            sca.text("dependency_match.found_dependency.package"),
            of=sca.text("dependency_match.found_dependency.ecosystem"),
            version=sca.text("dependency_match.found_dependency.version"),
        ),
        suppressed=extra.flag("is_ignored") or False,
        secrets=_secret_texts(extra) if "secret" in tags else (),
    )


def _title(record: Node) -> str | None:
    """The last part of the rule's dotted name, in words: Semgrep has no titles."""
    name = record.text("check_id")
    return name.rpartition(".")[2].replace("-", " ").replace("_", " ") if name else None


def _secret_texts(extra: Node) -> Iterator[str | None]:
    for _, variable in extra.fields("metavars"):
        yield variable.text("abstract_content")
