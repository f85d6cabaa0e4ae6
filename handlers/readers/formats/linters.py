"""Linters whose findings are mostly about quality, some about security.

XML: Checkstyle's format (many linters write it), PMD, Cppcheck. JSON: RuboCop, golangci-lint, Ruff, Pylint, TFLint.
Sources: checkstyle.org (XMLLogger), docs.pmd-code.org (report_2_0_0.xsd), cppcheck.sourceforge.io (manual, XML output),
docs.rubocop.org/rubocop/formatters.html, golangci-lint.run (pkg/printers), docs.astral.sh/ruff, pylint (JSONReporter),
github.com/terraform-linters/tflint (formatter/json.go).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import some
from handlers.records import Severity


def _root(name: str, root: Node) -> bool:
    return isinstance(root, XmlNode) and root.name == name


@reads("checkstyle", lambda root: _root("checkstyle", root), kind="xml")
def checkstyle(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = root.text("version")
    for file in root.items("file"):
        for record in file.items("error"):
            if record.text("severity") == "ignore":
                ledger.skip("severity ignore")
                continue
            yield Problem(
                record,
                "quality",
                title=record.text("message"),
                rule_id=record.text("source"),
                severity=record.text("severity"),
                path=file.text("name"),
                line=record.integer("line"),
                column=record.integer("column"),
            )


PRIORITIES: dict[str, Severity] = {
    "priority 1": "high",
    "priority 2": "high",
    "priority 3": "medium",
    "priority 4": "low",
    "priority 5": "info",
}


@reads("pmd", lambda root: _root("pmd", root), kind="xml")
def pmd(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = root.text("version")
    ledger.skip("suppressed in the source", len(root.items("suppressedviolation")))
    for error in root.items("error"):
        ledger.warn(f"PMD could not read {error.text('filename')}: {error.text('msg')}")
    for file in root.items("file"):
        for record in file.items("violation"):
            place = (record.text("package"), record.text("class"), record.text("method"))
            yield Problem(
                record,
                "code" if (record.text("ruleset") or "").lower() == "security" else "quality",
                title=record.text(),
                rule_id=record.text("rule"),
                severity=f"priority {record.text('priority')}",
                severity_origin="priority",
                scale=PRIORITIES,
                references=(record.text("externalInfoUrl"),),
                path=file.text("name"),
                line=record.integer("beginline"),
                end_line=record.integer("endline"),
                column=record.integer("begincolumn"),
                symbol=".".join(filter(None, place)) or None,
            )


@reads("pmd-json", lambda report: report.has("pmdVersion", "files"), tool="pmd")
def pmd_json(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("pmdVersion")
    ledger.skip("suppressed in the source", len(report.items("suppressedViolations")))
    for error in report.items("processingErrors"):
        ledger.warn(f"PMD could not read {error.text('filename')}: {error.text('message')}")
    for file in ledger.records(report, "files"):
        for record in ledger.records(file, "violations"):
            yield Problem(
                record,
                "code" if record.text("ruleset") == "Security" else "quality",
                title=record.text("description"),
                rule_id=record.text("rule"),
                severity=f"priority {record.text('priority')}",
                severity_origin="priority",
                scale=PRIORITIES,
                references=(record.text("externalInfoUrl"),),
                path=file.text("filename"),
                line=record.integer("beginline"),
                end_line=record.integer("endline"),
                column=record.integer("begincolumn"),
            )


@reads("pmd-csv", lambda table: {"Problem", "Priority", "Rule set", "Rule"} <= set(table.texts("columns")), kind="csv",
       tool="pmd")  # fmt: skip
def pmd_csv(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        yield Problem(
            row,
            "code" if row.text("Rule set") == "Security" else "quality",
            title=row.text("Description"),
            rule_id=row.text("Rule"),
            severity=f"priority {row.text('Priority')}",
            severity_origin="Priority",
            scale=PRIORITIES,
            path=row.text("File"),
            line=row.integer("Line"),
        )


STYLES: dict[str, Severity] = {"style": "low", "performance": "low", "portability": "low"}


@reads("cppcheck", lambda root: _root("results", root) and ("cppcheck" in root or "error" in root), kind="xml")
def cppcheck(root: Node, ledger: Ledger) -> Iterator[Problem]:
    """Version 1 of the format has its errors below the root, with file and line as attributes."""
    ledger.tool_version = root.text("cppcheck.version")
    below = root.items("error")
    if not below:
        ledger.expects(root, "errors")
    for record in below + root.items("errors.error"):
        place = record["location"]
        if record.text("severity") in ("information", "debug", "none"):
            ledger.skip("informational")
            continue
        yield Problem(
            record,
            "code" if record.text("severity") in ("error", "warning") else "quality",
            title=record.text("msg"),
            rule_id=record.text("id"),
            severity=record.text("severity"),
            scale=STYLES,
            cwes=record.text("cwe"),
            description=record.text("verbose"),
            path=place.text("file") or record.text("file"),
            line=place.integer("line") or record.integer("line"),
            column=place.integer("column"),
        )


COPS: dict[str, Severity] = {"convention": "low", "refactor": "low"}


@reads("rubocop", lambda report: report.has("files", "summary", "metadata") and (
    some(report, "path", "offenses", path="files") or "rubocop_version" in report["metadata"]))  # fmt: skip
def rubocop(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("metadata.rubocop_version")
    for file in ledger.records(report, "files"):
        for record in ledger.records(file, "offenses"):
            rule, place = record.text("cop_name"), record["location"]
            yield Problem(
                record,
                "code" if (rule or "").startswith("Security/") else "quality",
                title=record.text("message"),
                rule_id=rule,
                severity=record.text("severity"),
                scale=COPS,
                path=file.text("path"),
                line=place.integer("start_line", "line"),
                end_line=place.integer("last_line"),
                column=place.integer("start_column", "column"),
            )


def claims_golangci(report: Node) -> bool:
    return "Issues" in report and ("Linters" in report["Report"] or some(report, "FromLinter", path="Issues"))


@reads("golangci-lint", claims_golangci)
def golangci_lint(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "Issues"):
        linter, text = record.text("FromLinter"), record.text("Text")
        rule = (text or "").partition(":")[0] if linter == "gosec" else None
        yield Problem(
            record,
            "code" if linter == "gosec" else "quality",
            title=text,
            rule_id=f"{linter}:{rule}" if rule else linter,
            severity=record.text("Severity"),
            snippet="\n".join(record.texts("SourceLines")),
            path=record.text("Pos.Filename"),
            line=record.integer("Pos.Line"),
            column=record.integer("Pos.Column"),
        )


@reads("ruff", lambda report: some(report, "code", "message", "filename", "location", "url"))
def ruff(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Rules S… are those of flake8-bandit."""
    for record in ledger.entries(report):
        rule = record.text("code") or ""
        yield Problem(
            record,
            "code" if rule[:1] == "S" and rule[1:].isdigit() else "quality",
            title=record.text("message"),
            rule_id=rule,
            severity=record.text("severity"),
            references=(record.text("url"),),
            path=record.text("filename"),
            line=record.integer("location.row"),
            end_line=record.integer("end_location.row"),
            column=record.integer("location.column"),
        )


MESSAGES: dict[str, Severity] = {"convention": "low", "refactor": "low", "fatal": "high"}


def claims_pylint(report: Node) -> bool:
    return some(report, "message-id", "symbol", "path") or some(report, "messageId", "symbol", "path", path="messages")


@reads("pylint", claims_pylint)
def pylint(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report["messages"] if report.is_object else report):
        yield Problem(
            record,
            "quality",
            title=record.text("message"),
            rule_id=record.text("message-id", "messageId"),
            severity=record.text("type"),
            severity_origin="type",
            scale=MESSAGES,
            path=record.text("path"),
            line=record.integer("line"),
            end_line=record.integer("endLine"),
            column=record.integer("column"),
            symbol=record.text("obj"),
        )


@reads("tflint", lambda report: some(report, "rule", "message", "range", path="issues"))
def tflint(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for error in report.items("errors"):
        ledger.warn(f"TFLint says: {error.text('message', 'summary')}")
    for record in ledger.records(report, "issues"):
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("message"),
            rule_id=record.text("rule.name"),
            severity=record.text("rule.severity"),
            severity_origin="rule.severity",
            references=(record.text("rule.link"),),
            path=record.text("range.filename"),
            line=record.integer("range.start.line"),
            end_line=record.integer("range.end.line"),
            column=record.integer("range.start.column"),
        )
