"""Analysers of C, C++ and binaries: Coverity (JSON of cov-format-errors, views of Coverity Connect), CodeChecker,
Infer, cwe_checker.

Sources: documentation.blackduck.com (cov-format-errors --json-output-v10; Coverity Connect, view contents API),
github.com/Ericsson/codechecker (docs/usage.md, JSON of `parse`), fbinfer.com/docs/infer-report,
github.com/fkie-cad/cwe_checker (utils/log.rs).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some

DISMISSED = ("false positive", "intentional", "false_positive")


@reads("coverity", lambda report: report.text("type") == "Coverity issues" or some(
    report, "mergeKey", "checkerName", path="issues"))  # fmt: skip
def coverity(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "issues"):
        about = record["checkerProperties"]
        events = record.items("events")
        main = next((each for each in events if each.flag("main")), Node(None))
        fix = next((each for each in events if each.flag("remediation")), Node(None))
        judged = record.text("stateOnServer.triage.classification", "localTriage.classification") or ""
        yield Problem(
            record,
            "code" if "SECURITY" in about.texts("issueKinds") else "quality",
            title=about.text("subcategoryShortDescription") or record.text("checkerName"),
            rule_id=record.text("checkerName"),
            severity=about.text("impact"),
            severity_origin="checkerProperties.impact",
            scale={"audit": "info"},
            cwes=about["cweCategory"],
            description=main.text("eventDescription") or about.text("subcategoryLongDescription"),
            remediation=fix.text("eventDescription"),
            path=record.text("strippedMainEventFilePathname", "mainEventFilePathname"),
            line=record.integer("mainEventLineNumber"),
            column=record.integer("mainEventColumnNumber"),
            symbol=record.text("functionDisplayName"),
            suppressed=judged.lower() in DISMISSED,
            suppression=judged if judged.lower() in DISMISSED else None,
        )


@reads("coverity-view", lambda report: "rows" in report["viewContentsV1"], tool="coverity")
def view(report: Node, ledger: Ledger) -> Iterator[Problem]:
    body = report["viewContentsV1"]
    ledger.counted(body.integer("totalRows"), body["rows"])
    if (body.integer("totalRows") or 0) > len(body.items("rows")):
        ledger.warn("this is one page of several: the findings of the other pages are not in it")
    for record in ledger.records(body, "rows"):
        judged = (record.text("classification") or "").lower()
        yield Problem(
            record,
            "code" if "security" in (record.text("displayIssueKind") or "").lower() else "quality",
            title=record.text("displayType"),
            rule_id=record.text("checker"),
            severity=record.text("displayImpact"),
            scale={"audit": "info"},
            cwes=record["cwe"],
            description=record.text("displayCategory"),
            path=record.text("displayFile"),
            symbol=record.text("displayFunction"),
            suppressed=judged in DISMISSED,
            suppression=judged if judged in DISMISSED else None,
        )


@reads("codechecker", lambda report: some(report, "checker_name", "analyzer_name", path="reports") or (
    report.has("version", "reports") and len(report.value) == 2))  # fmt: skip
def codechecker(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "reports"):
        judged = record.text("review_status") or ""
        dismissed = judged.lower() in (*DISMISSED, "suppress")
        rule = record.text("checker_name") or ""
        yield Problem(
            record,
            "code" if rule.startswith(("security.", "cert-", "alpha.security")) else "quality",
            title=record.text("message"),
            rule_id=rule,
            severity=record.text("severity"),
            path=record.text("file.original_path", "file.path"),
            line=record.integer("line"),
            column=record.integer("column"),
            tool=record.text("analyzer_name"),
            suppressed=dismissed,
            suppression=judged if dismissed else None,
        )


@reads("infer", lambda report: some(report, "bug_type", "qualifier"))
def infer(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report):
        yield Problem(
            record,
            "quality",
            title=record.text("bug_type_hum", "bug_type"),
            rule_id=record.text("bug_type"),
            severity=record.text("severity"),
            scale={"like": "low", "advice": "info"},
            description=record.text("qualifier"),
            path=record.text("file"),
            line=record.integer("line"),
            column=record.integer("column"),
            symbol=record.text("procedure"),
            suppressed=bool(record["censored_reason"]),
            suppression=record.text("censored_reason"),
        )


@reads("cwe-checker", lambda report: some(report, "name", "addresses", "tids"))
def cwe_checker(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """It rates nothing; an address is what it has for a place."""
    for record in ledger.records(report):
        yield Problem(
            record,
            "code",
            title=record.text("description"),
            rule_id=record.text("name"),
            cwes=(record.text("name") or "").replace("CWE", "CWE-"),
            symbol=", ".join((*record.texts("symbols"), *(f"0x{each}" for each in record.texts("addresses")))) or None,
        )
