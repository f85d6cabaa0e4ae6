"""`cargo audit --json`: https://github.com/rustsec/rustsec, rustsec/src/report.rs (Report, WarningInfo).

`warnings` (unmaintained, unsound, yanked crates) are informational advisories: counted, no problems.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import lower_bounds


def claims(report: Node) -> bool:
    found = report["vulnerabilities"]
    return ("list" in found and ("lockfile" in report or "database" in report)) or _is_bare(found)


def _is_bare(found: Node) -> bool:
    """Cut down to the advisories, by number."""
    return "list" not in found and any(each.has("advisory", "versions") for _, each in found.fields())


@reads("cargo-audit", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    _count_warnings(report["warnings"], ledger)
    found = report["vulnerabilities"]
    ledger.counted(found.integer("count"), found["list"])
    listed = (each for _, each in found.fields()) if _is_bare(found) else ledger.records(found, "list")
    for record in listed:
        advisory, crate = record["advisory"], record["package"]
        yield Problem(
            record,
            "vulnerability",
            title=advisory.text("title"),
            rule_id=advisory.text("id"),
            severity=advisory.text("severity"),
            cvss_vector=advisory.text("cvss"),
            ids=(advisory.text("id"), *advisory.texts("aliases")),
            description=advisory.text("description"),
            references=(advisory.text("url"), *advisory.texts("references")),
            symbol=next((name for name, _ in record.fields("affected.functions")), None),
            package=package(
                crate.text("name") or advisory.text("package"),
                of="cargo",
                version=crate.text("version"),
                fixed=lower_bounds(*(record.texts("versions.patched") or advisory.texts("patched_versions"))),
            ),
        )


def _count_warnings(warnings: Node, ledger: Ledger) -> None:
    """An object of lists by kind; a list before version 0.13."""
    for kind, each in warnings.fields():
        ledger.skip(f"informational: {kind}", len(each.items()))
    for each in warnings.items():
        ledger.skip(f"informational: {each.text('kind') or 'warning'}")
