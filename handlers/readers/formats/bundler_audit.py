"""bundler-audit's JSON and text: https://github.com/rubysec/bundler-audit, lib/bundler/audit/cli/formats."""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import lower_bounds, some

CLEAN = "No vulnerabilities found"


def claims(report: Node) -> bool:
    return "results" in report and (
        some(report, "gem", "advisory", path="results")
        or report.has("version", "created_at")
        or some(report, "source", "type", path="results")
    )


@reads("bundler-audit", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    for record in ledger.records(report, "results"):
        yield _insecure_source(record) if record.text("type") == "insecure_source" else _unpatched_gem(record)


def _insecure_source(record: Node) -> Problem:
    title = f"Insecure source URI found: {record.text('source')}"
    return Problem(record, "misconfiguration", title=title, rule_id="insecure_source", url=record.text("source"))


def _unpatched_gem(record: Node) -> Problem:
    advisory = record["advisory"]
    cve, ghsa, osvdb = advisory.text("cve"), advisory.text("ghsa"), advisory.text("osvdb")
    return Problem(
        record,
        "vulnerability",
        title=advisory.text("title"),
        rule_id=advisory.text("id"),
        severity=advisory.text("criticality"),
        severity_origin="criticality",
        cvss_score=advisory.number("cvss_v3", "cvss_v2"),
        ids=(
            cve and f"CVE-{cve.removeprefix('CVE-')}",
            ghsa and f"GHSA-{ghsa.removeprefix('GHSA-')}",
            osvdb and f"OSVDB-{osvdb}",
            advisory.text("id"),
        ),
        description=advisory.text("description"),
        references=(advisory.text("url"),),
        package=package(
            record.text("gem.name"),
            of="gem",
            version=record.text("gem.version"),
            fixed=lower_bounds(*advisory.texts("patched_versions")),
        ),
    )


def claims_text(report: Node) -> bool:
    text = report.text() or ""
    return (
        text == CLEAN
        or re.search(r"^Name: .+\r?\nVersion: .+\r?\n(Advisory|CVE|GHSA): ", text, re.MULTILINE) is not None
    )


@reads("bundler-audit-text", claims_text, kind="text", tool="bundler-audit")
def from_text(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Blocks of `Name: value` lines with an empty line between them."""
    text = (report.text() or "").replace("\r\n", "\n")
    for number, block in enumerate(re.split(r"\n\s*\n", text)):
        words = dict(re.findall(r"^(\w[\w ]*): (.+)$", block, re.MULTILINE))
        if "Name" not in words:
            continue
        ids = (words.get("CVE"), words.get("GHSA"), words.get("Advisory"))
        yield Problem(
            Node(block, report, number),
            "vulnerability",
            title=words.get("Title"),
            rule_id=next(filter(None, ids), None),
            severity=words.get("Criticality"),
            severity_origin="Criticality",
            ids=ids,
            remediation=words.get("Solution"),
            references=(words.get("URL"),),
            package=package(
                words["Name"],
                of="gem",
                version=words.get("Version"),
                fixed=lower_bounds(words.get("Solution", "").removeprefix("upgrade to")),
            ),
        )
