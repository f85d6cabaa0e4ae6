"""`composer audit --format=json`: https://github.com/composer/composer, src/Composer/Advisory/Auditor.php."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, MalformedError, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import EARLY, upper_bounds


def claims(report: Node) -> bool:
    if "advisories" not in report or "metadata" in report:
        return False
    found = [record for _, each in report.fields("advisories") for record in _advisories(each)]
    known = any("advisoryId" in record or "affectedVersions" in record for record in found[:EARLY])
    return known or (not report["advisories"] and ("abandoned" in report or len(report.value) == 1))


@reads("composer-audit", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.skip("abandoned package", len(list(report.fields("abandoned"))))
    for _, ignored in ledger.members(report, "ignored-advisories"):
        ledger.skip("ignored in the project", len(_advisories(ignored)))
    for name, found in ledger.members(report, "advisories"):
        if not found.is_list and not found.is_object:
            raise MalformedError(f"{found.pointer} should be an array")
        for record in _advisories(found):
            yield _problem(record, name)


def _advisories(found: Node) -> list[Node]:
    """A list, or an object with numbers for keys where PHP left a gap in the list."""
    return found.items() or [each for _, each in found.fields()]


def _problem(record: Node, name: str) -> Problem:
    return Problem(
        record,
        "vulnerability",
        title=record.text("title"),
        rule_id=record.text("advisoryId"),
        severity=record.text("severity"),
        ids=(
            record.text("cve"),
            *ids_in(record.text("link"), *(each.text("remoteId") for each in record.items("sources"))),
        ),
        description=f"Affected versions: {record.text('affectedVersions') or 'not said'}",
        references=(record.text("link"),),
        package=package(
            record.text("packageName") or name,
            of="composer",
            version=record.text("version"),
            fixed=upper_bounds(record.text("affectedVersions")),
        ),
    )
