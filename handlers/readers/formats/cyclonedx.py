"""CycloneDX, JSON and XML, with `vulnerabilities` (1.4 and later) or the vulnerability extension of 1.0 to 1.3.

Sources: https://cyclonedx.org/docs/1.6/json/#vulnerabilities, https://cyclonedx.org/ext/vulnerability/. One problem a
vulnerability; of several affected components the first is the package, the others are locations. A VEX analysis that
says that nothing is to be done suppresses.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.records import Location, Package

SETTLED = {"not_affected", "false_positive", "resolved", "resolved_with_pedigree"}
METHODS = ("CVSSv4", "CVSSv31", "CVSSv3", "CVSSv2")

Components = dict[str, Node]


@reads(
    "cyclonedx",
    lambda report: report.text("bomFormat") == "CycloneDX" or "cyclonedx.org" in (report.text("$schema") or ""),
)
def from_json(report: Node, ledger: Ledger) -> Iterator[Problem]:
    components: Components = {}
    _collect([report.at("metadata.component"), *report.items("components"), *report.items("services")], components)
    _name_tool(report.items("metadata.tools.components") or report.items("metadata.tools"), ledger)
    for record in ledger.records(report, "vulnerabilities"):
        yield _problem(record, record.items("ratings"), record.items("affects"), components)
    if "vulnerabilities" not in report:
        _warn_of_plain_bom(ledger)


@reads("cyclonedx-xml", lambda root: isinstance(root, XmlNode) and root.name == "bom", kind="xml", tool="cyclonedx")
def from_xml(root: Node, ledger: Ledger) -> Iterator[Problem]:
    components: Components = {}
    _collect(
        [root.at("metadata.component"), *root.items("components.component"), *root.items("services.service")],
        components,
    )
    tools = root.items("metadata.tools.components.component") or root.items("metadata.tools.tool")
    _name_tool(tools, ledger)
    found = root.items("vulnerabilities.vulnerability")
    for record in found:
        affected = record.items("affects.target") or ([record["ref"]] if "ref" in record else [])
        yield _problem(record, record.items("ratings.rating"), affected, components)
    inner = [(key, each) for key, owner in components.items() for each in owner.items("vulnerabilities.vulnerability")]
    for owner, record in inner:
        ref = record.text("ref") or owner
        yield _problem(record, record.items("ratings.rating"), [Node(ref if ref in components else owner)], components)
    if not found and not inner and "vulnerabilities" not in root:
        _warn_of_plain_bom(ledger)


def _name_tool(tools: list[Node], ledger: Ledger) -> None:
    """The program that wrote the BOM, if it names itself."""
    if tools:
        ledger.tool = (tools[0].text("name") or ledger.tool).lower()
        ledger.tool_version = tools[0].text("version")


def _warn_of_plain_bom(ledger: Ledger) -> None:
    ledger.warn("this BOM has no list of vulnerabilities: nothing in it says that it was scanned")


def _collect(nodes: list[Node], found: Components) -> None:
    """All components by their reference (their place, where they have none), with those inside them."""
    for node in nodes:
        if node.is_object:
            found.setdefault(node.text("bom-ref", "purl") or node.pointer, node)
            _collect(node.items("components") or node.items("components.component"), found)


def _problem(record: Node, ratings: list[Node], affected: list[Node], components: Components) -> Problem:
    rating = _rating(ratings, record.text("source.name"))
    state = record.text("analysis.state")
    detail = record.text("analysis.justification", "analysis.detail")
    refs = [ref for each in affected if (ref := each.text("ref") or each.text())]
    also = [each.text("id") for each in record.items("references") + record.items("references.reference")]
    return Problem(
        record,
        "vulnerability",
        title=_title(record, refs, components),
        rule_id=record.text("id"),
        severity=rating.text("severity"),
        severity_origin="ratings.severity",
        cvss_vector=_vector(rating),
        cvss_score=_score(rating),
        cwes=[*record.texts("cwes"), *record.texts("cwes.cwe")],
        ids=(record.text("id"), *also),
        description=record.text("description", "detail"),
        remediation=record.text("recommendation", "recommendations.recommendation"),
        references=_references(record),
        locations=[Location(symbol=ref) for ref in refs[1:]],
        package=_package(refs, components),
        suppressed=state in SETTLED,
        suppression=f"{state}: {detail}" if state in SETTLED and detail else state if state in SETTLED else None,
    )


def _title(record: Node, refs: list[str], components: Components) -> str:
    component = _component(refs[0], components) if refs else Node(None)
    return f"{record.text('id') or 'Vulnerability'} in {component.text('name') or 'an unnamed component'}"


def _rating(ratings: list[Node], source: str | None) -> Node:
    """The rating of the source that the vulnerability is from, then the one by the newest CVSS."""

    def rank(rating: Node) -> tuple[bool, bool, int]:
        method = rating.text("method") or ""
        place = METHODS.index(method) if method in METHODS else len(METHODS)
        return source is None or rating.text("source.name") != source, rating.text("severity") is None, place

    return min(ratings, key=rank, default=Node(None))


def _vector(rating: Node) -> str | None:
    vector = rating.text("vector")
    is_cvss = vector is not None and "/" in vector
    return vector if is_cvss and (rating.text("method") or "CVSS").startswith("CVSS") else None


def _score(rating: Node) -> float | None:
    cvss = (rating.text("method") or "CVSS").startswith("CVSS")
    return rating.number("score.base", "score") or None if cvss else None  # writers put 0 for "not scored"


def _references(record: Node) -> list[str | None]:
    advisories = record.items("advisories.advisory") or record.items("advisories")
    return [record.text("source.url"), *(each.text("url") or each.text() for each in advisories)]


def _component(ref: str, components: Components) -> Node:
    """By its reference, by the fragment of a BOM-Link (`urn:cdx:SERIAL/1#REF`)."""
    return components.get(ref) or components.get(ref.partition("#")[2]) or Node(None)


def _package(refs: list[str], components: Components) -> Package | None:
    if not refs:
        return None
    component = _component(refs[0], components)
    purl = component.text("purl") or (refs[0] if refs[0].startswith("pkg:") else None)
    return package(component.text("name"), version=component.text("version"), purl=purl)
