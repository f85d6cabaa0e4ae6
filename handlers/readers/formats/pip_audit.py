"""pip-audit's JSON, an object, before version 2 a list: https://github.com/pypa/pip-audit, _format/json.py."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, some


def claims(report: Node) -> bool:
    path = "" if report.is_list else "dependencies"
    known = some(report, "name", "vulns", path=path) or some(report, "name", "skip_reason", path=path)
    empty = "dependencies" in report and not early(report, "dependencies")
    return known or (empty and set(report.value) <= {"dependencies", "fixes"})


@reads("pip-audit", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for dependency in ledger.records(report if report.is_list else report["dependencies"]):
        if "skip_reason" in dependency:
            ledger.skip("dependency not audited")
            ledger.warn(f"not audited: {dependency.text('name')}: {dependency.text('skip_reason')}")
        for record in ledger.records(dependency, "vulns"):
            yield Problem(
                record,
                "vulnerability",
                title=f"{record.text('id') or 'Vulnerability'} in {dependency.text('name') or 'a package'}",
                rule_id=record.text("id"),
                ids=(record.text("id"), *record.texts("aliases")),
                description=record.text("description"),
                package=package(
                    dependency.text("name"),
                    of="pypi",
                    version=dependency.text("version"),
                    fixed=record.texts("fix_versions"),
                ),
            )
