"""CSAF 2.0 and 2.1 advisories: https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html, sections 3.2.2 and 3.2.3.

One problem a vulnerability and product whose status is told; products that are fixed or not affected are suppressed.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.records import Package

AFFECTED = ("known_affected", "first_affected", "last_affected", "under_investigation")
HARMLESS = ("known_not_affected", "fixed", "first_fixed")

Products = dict[str, tuple[Node, str | None, str | None]]
"""Product id -> the product, its name and its version in the tree."""


@reads("csaf", lambda report: "csaf_version" in report["document"])
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    products: Products = {}
    if "vulnerabilities" not in report:
        ledger.warn("this advisory has no list of vulnerabilities")
    _walk(report["product_tree"], products, None, None)
    for flaw in ledger.records(report, "vulnerabilities"):
        told = False
        for status in AFFECTED + HARMLESS:
            for product in dict.fromkeys(flaw.texts(f"product_status.{status}")):
                told = True
                yield _problem(flaw, product, status, products)
        if not told:
            yield _problem(flaw, None, None, products)


def _walk(branch: Node, found: Products, name: str | None, version: str | None) -> None:
    """Collects products, with the name and the version that the branches above them give."""
    category = branch.text("category")
    name = branch.text("name") if category == "product_name" else name
    version = branch.text("name") if category in ("product_version", "product_version_range") else version
    own = [branch["product"], *branch.items("full_product_names")]
    own += [each["full_product_name"] for each in branch.items("relationships")]
    for product in own:
        if identity := product.text("product_id"):
            found[identity] = product, name, version
    for below in branch.items("branches"):
        _walk(below, found, name, version)


def _problem(flaw: Node, product: str | None, status: str | None, products: Products) -> Problem:
    score = _score(flaw, product)
    harmless = status in HARMLESS
    notes = {note.text("category"): note.text("text") for note in flaw.items("notes")}
    flags = [flag.text("label") for flag in flaw.items("flags") if product in flag.texts("product_ids")]
    cwes = [flaw.text("cwe.id"), *(each.text("id") for each in flaw.items("cwes"))]
    name = flaw.text("cve") or next((each.text("text") for each in flaw.items("ids")), None)
    return Problem(
        flaw,
        "vulnerability",
        title=flaw.text("title") or name,
        rule_id=name,
        severity=score.text("baseSeverity"),
        severity_origin="baseSeverity",
        cvss_vector=score.text("vectorString"),
        cvss_score=score.number("baseScore"),
        cwes=cwes,
        ids=(flaw.text("cve"), *(each.text("text") for each in flaw.items("ids"))),
        description=notes.get("description") or notes.get("summary"),
        remediation=_remedy(flaw, product),
        references=[each.text("url") for each in flaw.items("references")],
        package=_package(product, products),
        suppressed=harmless,
        suppression=": ".join(filter(None, (status, *flags))) if harmless else None,
    )


def _package(identity: str | None, products: Products) -> Package | None:
    product, name, version = products.get(identity or "", (Node(None), None, None))
    purl = product.text("product_identification_helper.purl")
    if purl is None and name is None:
        name = product.text("name") or identity
    return package(name, version=version, purl=purl)


def _score(flaw: Node, product: str | None) -> Node:
    """CVSS of the product, the newest version given. In 2.1 it lies in `metrics[].content`."""
    for each in flaw.items("scores") + flaw.items("metrics"):
        content = each["content"] or each
        cvss = content["cvss_v4"] or content["cvss_v3"] or content["cvss_v2"]
        if cvss and (product is None or product in each.texts("products")):
            return cvss
    return Node(None)


def _remedy(flaw: Node, product: str | None) -> str | None:
    for each in flaw.items("remediations"):
        if product is None or not each.texts("product_ids") or product in each.texts("product_ids"):
            return each.text("details")
    return None
