"""Rapid7 Nexpose / InsightVM's XML report (version 2.0): https://docs.rapid7.com/nexpose/working-with-report-formats.

One problem a test of a host or of its services that proved a weakness.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain


@reads("nexpose", lambda root: isinstance(root, XmlNode) and root.name == "NexposeReport", kind="xml")
def reader(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.expects(root, "nodes")
    about = {(each.text("id") or "").lower(): each for each in root.items("VulnerabilityDefinitions.vulnerability")}
    for host in root.items("nodes.node"):
        name = host.text("names.name", "address")
        yield from _tests(host, name, about, ledger)
        for endpoint in host.items("endpoints.endpoint"):
            for service in endpoint.items("services.service"):
                yield from _tests(service, f"{name}:{endpoint.text('port')}", about, ledger)


def _tests(holder: Node, where: str | None, about: dict[str, Node], ledger: Ledger) -> Iterator[Problem]:
    for record in holder.items("tests.test"):
        status = record.text("status") or ""
        if not status.startswith("vulnerable") and "exception" not in status:
            ledger.skip(status or "no status")
            continue
        known = about.get((record.text("id") or "").lower(), Node(None))
        vector = known.text("cvssV3Vector", "cvssVector")
        excepted = "exception" in status
        yield Problem(
            record,
            "vulnerability",
            title=known.text("title") or record.text("id"),
            rule_id=record.text("id"),
            cvss_vector=vector,
            cvss_score=known.number("cvssV3Score", "cvssScore"),
            ids=[each.text() for each in known.items("references.reference") if each.text("source") == "CVE"],
            description=plain(known.text("description")),
            remediation=plain(known.text("solution")),
            references=[each.text() for each in known.items("references.reference") if each.text("source") == "URL"],
            url=where,
            symbol=record.text("key"),
            suppressed=excepted,
            suppression=status if excepted else None,
        )
