"""What Semgrep's platform gives: findings of code and of dependencies (API v1), and the older list of Supply Chain.
Source: semgrep.dev/api/v1/docs (deployments/…/findings, …/ssc-vulns)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some

CLOSED = ("ignored", "fixed", "removed", "closed")


def _dismissed(status: str | None) -> str | None:
    return status.lower() if status and status.lower() in CLOSED else None


@reads("semgrep-findings", lambda report: some(report, "rule_name", "location", path="findings"), tool="semgrep")
def findings(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "findings"):
        rule, place, part = record["rule"], record["location"], record["found_dependency"]
        closed = _dismissed(record.text("status"))
        yield Problem(
            record,
            "vulnerability" if part else "code",
            repository=record.text("repository.url", "repository.name"),
            title=record.text("rule_message", "rule_name"),
            rule_id=record.text("rule_name"),
            severity=record.text("severity"),
            cwes=rule["cwe_names"],
            ids=(record.text("vulnerability_identifier"),),
            description=rule.text("message"),
            remediation=record.text("assistant.guidance.summary"),
            path=place.text("file_path"),
            line=place.integer("line"),
            end_line=place.integer("end_line"),
            column=place.integer("column"),
            package=package(
                part.text("package"),
                of=part.text("ecosystem"),
                version=part.text("version"),
                fixed=[each.text("version") for each in record.items("fix_recommendations")],
            ),
            suppressed=closed is not None,
            suppression=record.text("triage_reason") or closed if closed else None,
        )


@reads("semgrep-supply-chain", lambda report: some(report, "advisory", "matchedDependency", path="vulns"),
       tool="semgrep")  # fmt: skip
def supply_chain(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "vulns"):
        flaw, part = record["advisory"], record["matchedDependency"]
        known = flaw["references"]
        closed = _dismissed(record.text("triage.status"))
        yield Problem(
            record,
            "vulnerability",
            title=record.text("title"),
            rule_id=flaw.text("ruleId"),
            severity=flaw.text("severity"),
            cwes=known["cweIds"],
            ids=(*known.texts("cveIds"), *ids_in(*known.texts("urls"))),
            description=flaw.text("description"),
            references=known.texts("urls"),
            path=record.text("dependencyFileLocation.path"),
            line=record.integer("dependencyFileLocation.startLine"),
            package=package(
                part.text("name"),
                of=flaw.text("ecosystem"),
                version=part.text("versionSpecifier"),
                fixed=[each.text("versionSpecifier") for each in flaw.items("safeDependencies")
                       if each.text("name") == part.text("name")],
            ),
            suppressed=closed is not None,
            suppression=closed,
        )  # fmt: skip
