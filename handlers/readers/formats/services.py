"""Results of services that scan applications: StackHawk (webhook JSON), Sonatype IQ (raw report), and Invicti's XML.

Sources: https://docs.stackhawk.com/workflow-integrations/webhook.html, https://help.sonatype.com/iqserver (reports),
https://www.invicti.com/support (vulnerabilities list XML).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain, some
from handlers.records import Location

TRIAGED = {"FALSE_POSITIVE", "RISK_ACCEPTED"}


@reads("stackhawk", lambda report: "findings" in report["scanCompleted"])
def stackhawk(report: Node, ledger: Ledger) -> Iterator[Problem]:
    scan = report["scanCompleted"]
    ledger.tool_version = scan.text("scan.hawkscanVersion")
    for record in ledger.records(scan, "findings"):
        host = (record.text("host") or "").rstrip("/")
        paths = record.items("paths")
        states = {each.text("status") for each in paths}
        dismissed = bool(states) and states <= TRIAGED
        yield Problem(
            record,
            "dast",
            title=record.text("pluginName"),
            rule_id=record.text("pluginId"),
            severity=record.text("severity"),
            description=record.text("category"),
            references=(record.text("findingURL"),),
            locations=[Location(url=f"{host}{each.text('path') or ''}", method=each.text("method")) for each in paths]
            or [Location(url=host or None)],
            suppressed=dismissed,
            suppression=", ".join(sorted(filter(None, states))).lower() if dismissed else None,
        )


@reads("sonatype-iq", lambda report: "components" in report and (
    "matchSummary" in report or some(report, "componentIdentifier", "securityData", path="components")))  # fmt: skip
def sonatype(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for component in ledger.records(report, "components"):
        identity = component["componentIdentifier"]
        parts = identity["coordinates"]
        group, name = parts.text("groupId"), parts.text("artifactId", "packageId", "name")
        for record in ledger.records(component["securityData"], "securityIssues"):
            state = record.text("status") or "Open"
            closed = state in ("Not Applicable", "Acknowledged")
            yield Problem(
                record,
                "vulnerability",
                title=f"{record.text('reference')} in {name or 'a component'}",
                rule_id=record.text("reference"),
                severity=record.number("severity"),
                ids=ids_in(record.text("reference")) or (record.text("reference"),),
                references=(record.text("url"),),
                path=next(iter(component.texts("pathnames")), None),
                package=package(
                    f"{group}:{name}" if group and name else name,
                    of=identity.text("format"),
                    version=parts.text("version"),
                    purl=component.text("packageUrl"),
                ),
                suppressed=closed,
                suppression=state.lower() if closed else None,
            )


@reads("invicti-xml", lambda root: isinstance(root, XmlNode) and root.name in (
    "invicti-enterprise", "netsparker-enterprise", "netsparker-cloud"), kind="xml", tool="invicti")  # fmt: skip
def invicti(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.expects(root, "vulnerabilities")
    for record in root.items("vulnerabilities.vulnerability"):
        known, state = record["classification"], record.text("state") or ""
        closed = any(word in state for word in ("False Positive", "Accepted Risk", "Fixed"))
        yield Problem(
            record,
            "dast",
            title=record.text("name"),
            rule_id=record.text("type"),
            severity=record.text("severity"),
            scale={"bestpractice": "info", "best practice": "info"},
            cvss_vector=known.text("cvss31.vector", "cvss.vector"),
            cwes=(known.text("cwe") or "").split(","),
            description=plain(record.text("description")),
            remediation=plain(record.text("remedial-procedure", "remedial-actions")),
            url=record.text("url"),
            method=record.text("http-request.method"),
            suppressed=closed,
            suppression=state if closed else None,
        )
