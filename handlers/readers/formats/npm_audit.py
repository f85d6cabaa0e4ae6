"""Audits of JavaScript packages: npm 6 (also pnpm and yarn 2 and 3), npm 7 and later.

Sources: https://docs.npmjs.com/cli/commands/npm-audit, @npmcli/metavuln-calculator and npm-audit-report;
pnpm: reviewing/plugin-commands-audit; both read the registry's /-/npm/v1/security/audits answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import lower_bounds, plain, some


def claims_6(report: Node) -> bool:
    advisories = report["advisories"]
    return (advisories.is_object or advisories.value == []) and (
        some(report, "module_name", path="advisories") or (not advisories and "metadata" in report)
    )


@reads("npm-audit-6", claims_6, tool="npm-audit")
def npm_6(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem an advisory: npm 6, `pnpm audit --json`, `yarn npm audit --json` of yarn 2 and 3."""
    ledger.skip("muted in the project", len(report.items("muted")))
    ledger.counted(_total(report), report["advisories"])
    for _, advisory in ledger.members(report, "advisories"):
        if advisory.is_object:
            yield advisory_problem(advisory, advisory)
        else:
            ledger.malformed(advisory)


def advisory_problem(record: Node, advisory: Node) -> Problem:
    """What an advisory of the registry says; the record is where it stands in the report."""
    return Problem(
        record,
        "vulnerability",
        title=advisory.text("title"),
        rule_id=advisory.text("github_advisory_id", "id"),
        severity=advisory.text("severity"),
        cvss_vector=advisory.text("cvss.vectorString"),
        cvss_score=advisory.number("cvss.score") or None,
        cwes=_cwes(advisory["cwe"]),
        ids=(
            advisory.text("github_advisory_id"),
            *advisory.texts("cves"),
            *ids_in(advisory.text("url"), None if advisory.texts("cves") else advisory.text("references")),
        ),
        description=plain(advisory.text("overview")),
        remediation=_advice(advisory),
        references=(advisory.text("url"), *re.findall(r"https?://[^\s)\]>]+", advisory.text("references") or "")),
        package=package(
            advisory.text("module_name"),
            of="npm",
            version=next((each.text("version") for each in advisory.items("findings")), None),
            fixed=lower_bounds(advisory.text("patched_versions")),
        ),
    )


def _total(report: Node) -> int:
    return sum(each.integer() or 0 for key, each in report.fields("metadata.vulnerabilities") if key != "total")


def _advice(advisory: Node) -> str | None:
    """What the advisory recommends, and through which package it comes in."""
    path = next((path for each in advisory.items("findings") for path in each.texts("paths")), None)
    words = advisory.text("recommendation"), f"Introduced through {path}" if path else None
    return ". ".join(filter(None, words)) or None


def _cwes(given: Node) -> object:
    """A CWE, a list of them, or (2021 and 2022) a list written as a text."""
    text = given.text()
    if text is not None and text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return given


@reads("npm-audit-7", lambda report: report.has("auditReportVersion", "vulnerabilities"), tool="npm-audit")
def npm_7(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a package: objects in `via` are its own advisories, texts are packages that it gets them from."""
    ledger.counted(_total(report), report["vulnerabilities"])
    for name, record in ledger.members(report, "vulnerabilities"):
        if record.is_object:
            yield _package_problem(name, record)
        else:
            ledger.malformed(record)


def _package_problem(name: str, record: Node) -> Problem:
    advisories = [each for each in record.items("via") if each.is_object]
    through = ", ".join(record.texts("via"))
    first = advisories[0] if advisories else Node(None)
    fix = record["fixAvailable"]
    return Problem(
        record,
        "vulnerability",
        title=first.text("title") or f"{name} depends on vulnerable versions of {through or 'a package'}",
        rule_id=first.text("source"),
        severity=record.text("severity"),
        cvss_vector=first.text("cvss.vectorString"),
        cvss_score=first.number("cvss.score") or None,
        cwes=[cwe for each in advisories for cwe in each.texts("cwe")],
        ids=ids_in(*(each.text("url") for each in advisories)),
        description="\n".join(
            f"{each.text('title') or 'Advisory'}: {each.text('name') or name} {each.text('range') or ''}".strip()
            for each in advisories
        ),
        remediation=_remedy(fix),
        references=[each.text("url") for each in advisories],
        symbol=next(iter(record.texts("nodes")), None),
        package=package(record.text("name") or name, of="npm"),
    )


def _remedy(fix: Node) -> str | None:
    if fix.is_object:
        breaking = " (a breaking change)" if fix.flag("isSemVerMajor") else ""
        return f"Install {fix.text('name')} {fix.text('version')}{breaking}"
    return {True: "npm audit fix", False: "No fix is available"}.get(fix.value) if fix.value in (True, False) else None
