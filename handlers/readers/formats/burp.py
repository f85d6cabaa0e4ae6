"""Burp Suite's XML ("report issues"): https://portswigger.net/burp/documentation/desktop/running-scans/reporting.

The recorded requests and responses hold sessions and passwords: they are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain


def claims(root: Node) -> bool:
    is_issues = isinstance(root, XmlNode) and root.name == "issues"
    return is_issues and ("burpVersion" in root or any("serialNumber" in each for each in root.items("issue")[:3]))


@reads("burp", claims, kind="xml")
def reader(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = root.text("burpVersion")
    for issue in ledger.records(root, "issue"):
        host, path = issue.text("host"), issue.text("path")
        dismissed = (issue.text("severity") or "").lower() == "false positive"
        yield Problem(
            issue,
            "dast",
            title=issue.text("name"),
            rule_id=issue.text("type"),
            severity=issue.text("severity"),
            cwes=issue.text("vulnerabilityClassifications"),
            description=plain(issue.text("issueDetail", "issueBackground")),
            remediation=plain(issue.text("remediationDetail", "remediationBackground")),
            references=_links(issue.text("references")),
            url=f"{host or ''}{path or ''}" or None,
            method=issue.text("requestresponse.request.method"),
            symbol=_parameter(issue.text("location"), path),
            suppressed=dismissed,
            suppression="marked as a false positive in Burp" if dismissed else None,
        )


def _parameter(location: str | None, path: str | None) -> str | None:
    """`/basket.jsp [b_id cookie]` on the path `/basket.jsp` is about the `b_id cookie`."""
    if location is None or location == path:
        return None
    return location.removeprefix(path or "").strip().strip("[]") or None


def _links(html: str | None) -> list[str]:
    return [each.partition('"')[0] for each in (html or "").split('href="')[1:]]
