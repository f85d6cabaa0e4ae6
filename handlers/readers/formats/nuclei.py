"""Nuclei's JSON and JSON Lines: https://github.com/projectdiscovery/nuclei, pkg/output/output.go (ResultEvent).

Requests, responses and extracted results hold sessions and secrets: they are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early


def claims(report: Node) -> bool:
    return any("info" in each and ("template-id" in each or "templateID" in each) for each in early(report))


@reads("nuclei", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        if record.flag("matcher-status") is False:
            ledger.skip("template did not match")
            continue
        yield _problem(record)


def _problem(record: Node) -> Problem:
    info, known = record["info"], record.at("info.classification")
    on_file = record.text("type") == "file"
    place = record.text("matched-at", "matched", "url", "host")
    return Problem(
        record,
        "code" if on_file else "dast",
        title=info.text("name"),
        rule_id=record.text("template-id", "templateID"),
        severity=info.text("severity"),
        severity_origin="info.severity",
        cvss_vector=known.text("cvss-metrics"),
        cvss_score=known.number("cvss-score"),
        cwes=known["cwe-id"],
        ids=ids_in(*known.texts("cve-id"), record.text("template-id", "templateID")),
        description=info.text("description"),
        remediation=info.text("remediation"),
        references=_references(info["reference"]),
        path=place if on_file else None,
        url=None if on_file else place,
        method=_method(record.text("request")),
        symbol=record.text("matcher-name", "matcher_name", "extractor-name"),
    )


def _references(given: Node) -> list[str]:
    """A list, or (before version 2.4) one text with a line or a comma for each."""
    return [word.strip(" -") for text in given.texts() for word in text.replace(",", "\n").splitlines()]


def _method(request: str | None) -> str | None:
    word = (request or "").partition(" ")[0]
    return word if word.isalpha() and word.isupper() and len(word) < 10 else None
