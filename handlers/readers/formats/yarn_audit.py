"""`yarn audit --json` of yarn 1 (https://classic.yarnpkg.com/lang/en/docs/cli/audit/) and `yarn npm audit --json` of
yarn 4 (https://yarnpkg.com/cli/npm/audit), both JSON Lines. Yarn 2 and 3 write what npm 6 writes."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.formats.npm_audit import advisory_problem
from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, MalformedError, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, some

MESSAGES = {"auditAdvisory", "auditAction", "auditSummary", "info", "warning", "error", "table", "success", "step"}


def claims_1(report: Node) -> bool:
    return any(record.text("type") in MESSAGES and "data" in record for record in early(report))


@reads("yarn-audit", claims_1)
def yarn_1(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a path to the package, as yarn counts; the paths of one advisory merge."""
    answered = False
    for record in ledger.entries(report):
        kind = record.text("type")
        answered = answered or kind in ("auditAdvisory", "auditSummary")
        if kind == "auditAdvisory":
            yield advisory_problem(record, record.at("data.advisory"))
        elif kind == "error":
            ledger.scan_failed(f"yarn says: {record.text('data') or record.text('data.message')}")
    if ledger.failed and not answered:
        raise MalformedError(ledger.failed)
    if not answered:
        raise MalformedError("yarn wrote no audit: there is neither an advisory nor a summary in its messages")


@reads("yarn-4-audit", lambda report: some(report, "value", "children"), tool="yarn-audit")
def yarn_4(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        advisory, versions = record["children"], record.texts("children.Tree Versions")
        if (advisory.text("ID") or "").endswith("(deprecation)"):
            yield _deprecation(record, advisory, versions)
            continue
        yield Problem(
            record,
            "vulnerability",
            title=advisory.text("Issue"),
            rule_id=advisory.text("ID"),
            severity=advisory.text("Severity"),
            severity_origin="Severity",
            ids=ids_in(advisory.text("URL")),
            description=f"Vulnerable versions: {advisory.text('Vulnerable Versions') or 'not said'}",
            remediation=f"Introduced through {', '.join(advisory.texts('Dependents'))}"
            if advisory["Dependents"]
            else None,
            references=(advisory.text("URL"),),
            package=package(record.text("value"), of="npm", version=versions[0] if versions else None),
        )


def _deprecation(record: Node, advisory: Node, versions: tuple[str, ...]) -> Problem:
    """A package that its authors gave up; what they say is the remedy, and no version mends it."""
    return Problem(
        record,
        "quality",
        title=f"{record.text('value') or 'A package'} is deprecated",
        rule_id=advisory.text("ID"),
        severity=advisory.text("Severity"),
        severity_origin="Severity",
        remediation=advisory.text("Issue"),
        package=package(record.text("value"), of="npm", version=versions[0] if versions else None),
    )
