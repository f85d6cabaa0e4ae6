"""OpenVEX: https://github.com/openvex/spec, OPENVEX-SPEC.md. One problem a statement and product."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node

HARMLESS = {"not_affected", "fixed"}


def claims(report: Node) -> bool:
    return "openvex" in (report.text("@context") or "") or report.has("statements", "@id", "author")


@reads("openvex", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    if "statements" not in report:
        ledger.warn("this document has no list of statements")
    for statement in ledger.records(report, "statements"):
        for product in statement.items("products") or [Node(None)]:
            yield _problem(statement, product)


def _problem(statement: Node, product: Node) -> Problem:
    flaw, status = statement["vulnerability"], statement.text("status")
    name = flaw.text("name", "@id") or flaw.text()
    part = next(iter(product.items("subcomponents")), product)
    identity = part.text("identifiers.purl", "@id") or part.text()
    is_purl = (identity or "").startswith("pkg:")
    reason = statement.text("justification", "impact_statement", "status_notes")
    return Problem(
        statement if product.value is None else product,
        "vulnerability",
        title=f"{name or 'Vulnerability'} in {identity or 'an unnamed product'}: {status or 'no status'}",
        rule_id=name,
        ids=(name, *flaw.texts("aliases")),
        description=flaw.text("description") or statement.text("status_notes", "impact_statement"),
        remediation=statement.text("action_statement"),
        package=package(None if is_purl else identity, purl=identity if is_purl else None),
        suppressed=status in HARMLESS,
        suppression=f"{status}: {reason}" if status in HARMLESS and reason else status if status in HARMLESS else None,
    )
