"""Nikto's JSON and XML: https://github.com/sullo/nikto, program/plugins/nikto_report_json.plugin and docs/nikto.dtd."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import some


@reads("nikto-json", lambda report: some(report, "host", "port", "banner"), tool="nikto")
def from_json(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for host in ledger.entries(report):
        for record in ledger.records(host, "vulnerabilities"):
            scheme = "https" if host.text("port") == "443" else "http"
            url = record.text("url") or ""
            yield Problem(
                record,
                "dast",
                title=record.text("msg"),
                rule_id=record.text("id"),
                ids=_osvdb(record.text("OSVDB")),
                references=record.texts("references"),
                url=url if "://" in url else f"{scheme}://{host.text('host') or ''}:{host.text('port') or ''}{url}",
                method=record.text("method"),
            )


@reads("nikto-xml", lambda root: isinstance(root, XmlNode) and root.name == "niktoscan", kind="xml", tool="nikto")
def from_xml(root: Node, ledger: Ledger) -> Iterator[Problem]:
    for scan in _scans(root):
        ledger.tool_version = ledger.tool_version or scan.text("version")
        for host in scan.items("scandetails"):
            for item in ledger.records(host, "item"):
                yield Problem(
                    item,
                    "dast",
                    title=item.text("description"),
                    rule_id=item.text("id"),
                    ids=_osvdb(item.text("osvdbid")),
                    references=(item.text("references"),),
                    url=item.text("namelink", "iplink", "uri"),
                    method=item.text("method"),
                )


def _scans(root: Node) -> list[Node]:
    """Several hosts make a `niktoscan` inside the `niktoscan`."""
    return [root, *root.items("niktoscan")]


def _osvdb(number: str | None) -> tuple[str, ...]:
    return (f"OSVDB-{number}",) if number and number != "0" else ()
