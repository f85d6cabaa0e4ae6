"""Writes analyses by rule: each statement from the finding itself or from the catalogue, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from handlers.analysis import words
from handlers.knowledge.cwe import Catalogue
from handlers.knowledge.ecosystems import guess_ecosystem
from handlers.knowledge.exploitation import Exploitation
from handlers.knowledge.severity import explain_vector
from handlers.knowledge.upgrades import fix_in_words
from handlers.knowledge.versions import smallest_fix
from handlers.records import Analysis, Finding, Origin

VERSION = "4"
"""Of the rules; whoever changes what they say counts it up."""
RULES = Origin(kind="rules", version=VERSION)
NOTHING = Exploitation()


def analyse(finding: Finding, catalogue: Catalogue, seen: Exploitation = NOTHING) -> Analysis:
    """The analysis of one cleaned finding; always the same for the same finding, catalogue and exploitation data."""
    finding = _with_ecosystem(finding)
    vector = explain_vector(finding.cvss_vector)
    package = finding.package
    target = smallest_fix(package.ecosystem, package.version, package.fixed_versions) if package else None
    known = words.weaknesses(finding, catalogue)
    return Analysis(
        finding=finding,
        kind=words.kind_words(finding, catalogue),
        where=words.where_words(finding),
        reach=words.reach_words(finding, vector),
        severity=words.severity_words(finding, vector),
        affected=words.affected_words(finding, target),
        target=target,
        exploited=tuple(words.exploited_words(finding, seen)),
        owasp=tuple(dict.fromkeys(each for weakness in known for each in weakness.owasp)),
        unknown=tuple(_unknown(finding, target, seen)),
        confidence=_confidence(finding),
        sources=_sources(finding, catalogue, seen, bool(known), vector is not None),
        origin=RULES,
    )


def _with_ecosystem(finding: Finding) -> Finding:
    """SARIF names no ecosystem; where the version or the file can only be of one, it is filled in."""
    package = finding.package
    if package is None or package.ecosystem:
        return finding
    path = finding.locations[0].path if finding.locations else None
    found = guess_ecosystem(package.version, path)
    if found is None:
        return finding
    return msgspec.structs.replace(finding, package=msgspec.structs.replace(package, ecosystem=found))


def _sources(
    finding: Finding, catalogue: Catalogue, seen: Exploitation, weakness: bool, vector: bool
) -> tuple[str, ...]:
    named = [f"report of {finding.tool}", catalogue.source if weakness else "", "CVSS specification" if vector else ""]
    if any(each.startswith("CVE-") for each in finding.ids):
        named += [seen.kev_source, seen.epss_source]
    return tuple(filter(None, named))


def _unknown(finding: Finding, target: str | None, seen: Exploitation) -> Iterator[str]:
    """What a reader would want to know and the report does not say."""
    package = finding.package
    if finding.severity == "unknown":
        yield "how severe it is"
    if not finding.cwes and finding.class_ in ("vulnerability", "code", "dast"):
        yield "which class of weakness (CWE) it belongs to"
    if finding.class_ == "vulnerability":
        if not words.is_called(finding):
            yield "whether this project runs the affected code"
        if seen.kev is None:
            yield "whether it is being exploited anywhere"
        if not finding.ids:
            yield "under which advisory it is published"
    if package is not None and finding.class_ == "vulnerability":
        yield from _unknown_of_package(finding, target)
    if not finding.locations or not (finding.locations[0].path or finding.locations[0].url):
        yield "in which file it is"
    elif finding.class_ in ("code", "secret") and finding.locations[0].line is None:
        yield "on which line it is"
    if finding.class_ == "code":
        yield "whether an outsider's input gets there"
    if finding.class_ == "secret" and finding.severity_raw != "verified":
        yield "whether the credential is still valid"


def _unknown_of_package(finding: Finding, target: str | None) -> Iterator[str]:
    package = finding.package
    if package is None:
        return
    if not package.version:
        yield "which version is installed"
    if fix_in_words(finding):
        return
    if not package.fixed_versions:
        yield "whether a fixed version exists"
    elif target is None:
        yield "which of the fixed versions suits the installed one"


def _confidence(finding: Finding) -> Literal["high", "medium", "low"]:
    """How much of what an analysis needs the report gives: all of it, most of it, or less than that."""
    missing = sum(not fact for fact in _needed(finding))
    return "high" if missing == 0 else "medium" if missing <= 2 else "low"


def _needed(finding: Finding) -> Iterator[object]:
    place = finding.locations[0] if finding.locations else None
    yield finding.severity != "unknown"
    yield finding.description or finding.rule_id
    match finding.class_:
        case "vulnerability":
            package = finding.package
            yield finding.ids
            yield package and package.version
            yield package and package.fixed_versions
            yield finding.cwes or finding.cvss_vector
        case "dast":
            yield place and place.url
            yield finding.cwes
        case "code" | "quality":
            yield place and place.path and place.line
            yield finding.cwes
        case _:
            yield place and place.path
            yield finding.rule_id
