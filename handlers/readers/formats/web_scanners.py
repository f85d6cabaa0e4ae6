"""Scanners of web applications: Invicti (Netsparker, Acunetix 360; JSON), Acunetix (XML), Arachni (JSON).

Sources: www.invicti.com/support (vulnerabilities list JSON), www.acunetix.com/support (XML export),
github.com/Arachni/arachni (reporters/json). Requests and responses hold sessions and passwords: they are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain
from handlers.records import Severity

BEST: dict[str, Severity] = {"best practice": "info", "bestpractice": "info"}
CLOSED = ("FalsePositive", "AcceptedRisk", "Fixed")


@reads("invicti", lambda report: report.has("Generated", "Target", "Vulnerabilities"))
def invicti(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "Vulnerabilities"):
        known = record["Classification"]
        cvss = known["Cvss31"] or known["Cvss"]
        state = record.text("State") or ""
        closed = next((word for word in CLOSED if word in state.replace(" ", "")), None)
        yield Problem(
            record,
            "dast",
            title=record.text("Name"),
            rule_id=record.text("Type", "LookupId"),
            severity=record.text("Severity"),
            scale=BEST,
            cvss_vector=cvss.text("Vector"),
            cvss_score=cvss.number("BaseScore.Value"),
            cwes=(known.text("Cwe") or "").split(","),
            description=plain(record.text("Description")),
            remediation=plain(record.text("RemedialActions", "RemedialProcedure")),
            url=record.text("Url"),
            method=record.text("HttpRequest.Method"),
            symbol=record.text("VulnerableParameter"),
            suppressed=closed is not None,
            suppression=state if closed else None,
        )


@reads("acunetix", lambda root: isinstance(root, XmlNode) and root.name == "ScanGroup", kind="xml")
def acunetix(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.expects(root, "Scan")
    for scan in root.items("Scan"):
        start = (scan.text("StartURL") or "").rstrip("/")
        for record in scan.items("ReportItems.ReportItem"):
            dismissed = record.text("IsFalsePositive") in ("1", "True", "true")
            yield Problem(
                record,
                "dast",
                title=record.text("Name"),
                rule_id=record.text("ModuleName"),
                severity=record.text("Severity"),
                cvss_vector=record.text("CVSS3.Descriptor"),
                cvss_score=record.number("CVSS3.Score", "CVSS.Score"),
                cwes=[each.text() for each in record.items("CWEList.CWE")],
                ids=[each.text() for each in record.items("CVEList.CVE")],
                description=plain(record.text("Description")),
                remediation=plain(record.text("Recommendation")),
                references=[each.text("URL") for each in record.items("References.Reference")],
                url=f"{start}{record.text('Affects') or ''}" or None,
                symbol=record.text("Parameter"),
                suppressed=dismissed,
                suppression="marked as a false positive" if dismissed else None,
            )


@reads("arachni", lambda report: report.has("issues", "sitemap"))
def arachni(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    for record in ledger.records(report, "issues"):
        vector = record["vector"]
        yield Problem(
            record,
            "dast",
            title=record.text("name"),
            rule_id=record.text("check.shortname", "check.name"),
            severity=record.text("severity"),
            cwes=record.text("cwe"),
            description=record.text("description"),
            remediation=record.text("remedy_guidance"),
            references=[each.text() for _, each in record.fields("references")],
            url=vector.text("action", "url"),
            method=(vector.text("method") or "").upper() or None,
            symbol=vector.text("affected_input_name"),
        )
