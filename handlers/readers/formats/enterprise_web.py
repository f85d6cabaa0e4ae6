"""Scanners of web applications that enterprises run: WebInspect (XML), AppScan (XML; Standard, on Cloud, Source),
Contrast (CSV); and sqlmap's table of results.

Sources: www.microfocus.com/documentation/fortify-webinspect (XML export of a scan and of vulnerabilities),
help.hcl-software.com/appscan (XML report), docs.contrastsecurity.com (vulnerabilities, export as CSV),
github.com/sqlmapproject/sqlmap (results file). Requests and responses hold sessions and passwords: they are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import line_range, plain
from handlers.records import Severity

LEVELS: dict[str, Severity] = {
    "level 4": "critical",
    "level 3": "high",
    "level 2": "medium",
    "level 1": "low",
    "level 0": "info",
}
"""WebInspect's severities."""


def claims_webinspect(root: Node) -> bool:
    named = isinstance(root, XmlNode) and root.name in ("Scan", "Sessions")
    return named and any(place in root for place in ("Issues", "Session", "PolicyName"))


@reads("webinspect", claims_webinspect, kind="xml")
def webinspect(root: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem an issue; those of a session lie below it."""
    for holder in (root, *root.items("Session")):
        for record in holder.items("Issues.Issue"):
            parts = {each.text("Name"): plain(each.text("SectionText")) for each in record.items("ReportSection")}
            named = [each for each in record.items("Classifications.Classification") if each.text("kind") == "CWE"]
            yield Problem(
                record,
                "dast",
                title=record.text("Name"),
                rule_id=record.text("VulnerabilityID", "CheckTypeID"),
                severity=f"level {record.text('Severity')}",
                scale=LEVELS,
                cwes=[each.text("identifier") for each in named],
                description=parts.get("Summary") or parts.get("Implication"),
                remediation=parts.get("Fix"),
                url=record.text("URL") or holder.text("URL"),
                symbol=record.text("AttackParamDescriptor") or holder.text("AttackParamDescriptor"),
            )


def claims_appscan(root: Node) -> bool:
    named = isinstance(root, XmlNode) and root.name == "xml-report"
    return named and ("issue-group" in root or root.text("name") == "AppScan Report")


@reads("appscan", claims_appscan, kind="xml")
def appscan(root: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem an issue: of a URL and its entity, or of a line of code."""
    ledger.tool_version = root.text("scan-information.product-version")
    ledger.expects(root, "issue-group")
    types = _by_id(root, "issue-type-group")
    urls, entities = _by_id(root, "url-group"), _by_id(root, "entity-group")
    remedies = _by_id(root, "remediation-group")
    ledger.counted(root["issue-group"].integer("total"), root["issue-group"])
    for record in root.items("issue-group.item"):
        kind = types.get(record.text("issue-type.ref"), Node(None))
        entity = entities.get(record.text("entity.ref"), Node(None))
        url = urls.get(record.text("url.ref"), Node(None)).text("name") or entity.text("url-name")
        path = record.text("source-file", "filename")
        status = (record.text("status") or "").lower()
        dismissed = status in ("noise", "passed", "fixed")
        yield Problem(
            record,
            "code" if path and not url else "dast",
            title=record.text("issue-type-name") or kind.text("name") or record.text("issue-type.ref"),
            rule_id=record.text("issue-type.ref"),
            severity=record.text("severity"),
            cvss_vector=record.text("cvss-vector.vector", "cvss-vector.base-vector"),
            cvss_score=record.number("cvss-score"),
            cwes=record.text("cwe.ref", "cwe") or kind.text("cwe.ref", "cwe"),
            ids=(*_cves(record), *_cves(kind)),
            description=_reasons(record),
            remediation=remedies.get(record.text("remediation.ref"), Node(None)).text("name")
            or next((each.text("remediation.name") for each in record.items("fix.item")), None),
            path=path if not url else None,
            line=record.integer("line") or line_range((record.text("location") or "").rpartition(":")[2])[0]
            if path and not url
            else None,
            url=url or (record.text("location") if not path else None),
            method=record.text("url.original_request_method"),
            symbol=record.text("element") or entity.text("name"),
            suppressed=dismissed,
            suppression=status if dismissed else None,
        )


def _by_id(root: Node, group: str) -> dict[str | None, Node]:
    return {each.text("id"): each for each in root.items(f"{group}.item")}


def _cves(record: Node) -> tuple[str, ...]:
    return tuple((record.text("cve") or "").replace(",", " ").split())


def _reasons(record: Node) -> str | None:
    variants = record.items("variant-group.item")
    said = [each.text("reasoning") or each.text("issue-information.method-signature") for each in variants]
    return "\n".join(dict.fromkeys(filter(None, said))) or None


CLOSED = ("notaproblem", "fixed", "remediated", "remediated - auto-verified", "not a problem")


@reads("contrast-csv", lambda table: {"Vulnerability Name", "Vulnerability ID", "Rule Name"} <= set(
    table.texts("columns")), kind="csv", tool="contrast")  # fmt: skip
def contrast(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        status = row.text("Status") or ""
        closed = status.lower() in CLOSED
        yield Problem(
            row,
            "code",
            title=row.text("Vulnerability Name"),
            rule_id=row.text("Rule Name"),
            severity=row.text("Severity"),
            scale={"note": "low"},
            cwes=row.text("CWE ID"),
            description=row.text("Category"),
            url=row.text("Request URI"),
            method=row.text("Request Method"),
            symbol=row.text("Application Name"),
            suppressed=closed,
            suppression=status if closed else None,
        )


@reads("sqlmap-csv", lambda table: {"Target URL", "Place", "Parameter", "Technique(s)"} <= set(
    table.texts("columns")), kind="csv", tool="sqlmap")  # fmt: skip
def sqlmap(table: Node, ledger: Ledger) -> Iterator[Problem]:
    """A row without a parameter is a target in which nothing was found."""
    for row in ledger.records(table, "rows"):
        parameter = row.text("Parameter")
        if parameter is None:
            ledger.skip("target without an injection")
            continue
        yield Problem(
            row,
            "dast",
            title=f"SQL injection in {parameter}",
            rule_id="sql-injection",
            severity="high",
            severity_origin="scantune",
            cwes="CWE-89",
            description=f"Techniques: {row.text('Technique(s)')}",
            url=row.text("Target URL"),
            method=row.text("Place"),
            symbol=parameter,
        )
