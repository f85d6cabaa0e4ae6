"""The facts of a finding as clauses. Each function says what the finding carries, or None."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.knowledge.cwe import Catalogue, Weakness
from handlers.knowledge.exploitation import Exploitation
from handlers.knowledge.severity import Vector
from handlers.knowledge.upgrades import fix_in_words
from handlers.records import Finding, Location

KINDS = {
    "vulnerability": "known vulnerability in a component",
    "code": "weakness in code",
    "secret": "credential in plain sight",
    "misconfiguration": "unsafe configuration",
    "licence": "licence to look at",
    "dast": "weakness seen from outside, on the running service",
    "quality": "quality problem",
}
IMPACTS = {
    "Read Application Data": "read application data",
    "Bypass Protection Mechanism": "get past a protection",
    "Execute Unauthorized Code or Commands": "run code",
    "Gain Privileges or Assume Identity": "gain privileges or another identity",
    "DoS: Crash, Exit, or Restart": "crash the program",
    "Modify Memory": "change memory",
    "Modify Application Data": "change application data",
    "Read Memory": "read memory",
    "Read Files or Directories": "read files",
    "Modify Files or Directories": "change files",
    "Alter Execution Logic": "change the program's course",
    "DoS: Resource Consumption (CPU)": "use up processor time",
    "Hide Activities": "act unseen",
    "DoS: Resource Consumption (Other)": "use up resources",
    "DoS: Resource Consumption (Memory)": "use up memory",
    "DoS: Instability": "make the program unstable",
    "DoS: Amplification": "multiply the load of one request",
}
"""Technical impacts of the CWE schema, as something an attacker can do."""


def join(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def weaknesses(finding: Finding, catalogue: Catalogue) -> tuple[Weakness, ...]:
    """The catalogue's entries for the finding's CWEs, in their order; unknown ones are passed over."""
    found = (catalogue.weakness(each) for each in finding.cwes)
    return tuple(each for each in found if each is not None)


def kind_words(finding: Finding, catalogue: Catalogue) -> str:
    """The weakness by its common name, or the finding's class where the report names none."""
    named = [f"{each.common_name} (CWE-{each.id})" for each in weaknesses(finding, catalogue)]
    unnamed = [each for each in finding.cwes if catalogue.weakness(each) is None]
    return join(named + unnamed) or KINDS[finding.class_]


def impact_words(weakness: Weakness) -> str | None:
    """What the catalogue says an attacker gains, at most three things; None where it does not say."""
    named = (IMPACTS.get(impact) for each in weakness.consequences for impact in each.impacts)
    return join(list(dict.fromkeys(filter(None, named)))[:3], "or") or None


def place_words(place: Location) -> str:
    """ "src/app.py, line 3", "GET https://host/path", or the name of a resource."""
    spot = place.path or place.symbol or "a place that the report does not name"
    if place.url:
        spot = f"{place.method} {place.url}" if place.method else place.url
    symbol = f" ({place.symbol})" if place.symbol and place.symbol != spot else ""
    return f"{spot}, line {place.line}{symbol}" if place.line else f"{spot}{symbol}"


def where_words(finding: Finding) -> str:
    """The first place, and how many more there are; for a component without a place, the component."""
    more = len(finding.locations) - 1
    others = f" and {more} other place{'s' if more > 1 else ''}" if more > 0 else ""
    if finding.locations:
        return place_words(finding.locations[0]) + others
    return f"component {finding.package.name}" if finding.package else "the report names no place"


def severity_words(finding: Finding, vector: Vector | None) -> str:
    """The severity, which field of the report says so, and the CVSS base score if one is known."""
    if finding.severity == "unknown":
        return (
            f"unknown: the report says {finding.severity_raw!r}"
            if finding.severity_raw
            else "unknown: not in the report"
        )
    raw = finding.severity_raw
    said = f" {raw}" if raw and raw.lower() != finding.severity else ""
    origin = f", by the report's {finding.severity_origin}{said}" if finding.severity_origin else ""
    score = finding.cvss_score if finding.cvss_score is not None else (vector.score if vector else None)
    scored = f"; CVSS {vector.version + ' ' if vector else ''}base score {score:.1f}" if score is not None else ""
    return f"{finding.severity}{origin}{scored}"


def is_called(finding: Finding) -> bool:
    """Whether the scan itself traced a call from the scanned code to the flaw: govulncheck then names the line."""
    place = finding.locations[0] if finding.locations else None
    return finding.tool == "govulncheck" and place is not None and bool(place.path and place.line)


def reach_words(finding: Finding, vector: Vector | None) -> str | None:
    """How the flaw can be reached, as far as a CVSS vector or the kind of finding tells."""
    if vector:
        return f"According to its CVSS vector: {vector.reach}, with {vector.stakes}."
    place = finding.locations[0] if finding.locations else None
    if place and is_called(finding):
        return f"The scanned code reaches it from {place.path}, line {place.line}."
    if finding.class_ == "dast" and place and place.url:
        return f"Seen from outside, in the answer to {place.method or 'a request'} {place.url}."
    if finding.class_ == "secret":
        return "Whoever can read the file, or the repository's history, can read it."
    return None


def exploited_words(finding: Finding, seen: Exploitation) -> Iterator[str]:
    """What KEV and EPSS say of the finding's CVE ids; nothing where their files are not there."""
    for cve in (each for each in finding.ids if each.startswith("CVE-")):
        if seen.kev is not None and (entry := seen.kev.get(cve)):
            ransom = ", in ransomware campaigns too" if entry.ransomware == "Known" else ""
            yield f"{cve} is exploited: in CISA's list since {entry.added}{ransom}"
        elif seen.kev is not None:
            yield f"{cve} is not in CISA's list of exploited vulnerabilities ({seen.kev_source})"
        if seen.epss is not None and (score := seen.epss.get(cve)):
            yield f"{cve} has an EPSS probability of {score.probability:.3f}, percentile {score.percentile:.3f}"


def affected_words(finding: Finding, target: str | None) -> str | None:
    """The package as it is installed, and its fixed versions; `target` is the nearest one. None without a package."""
    package = finding.package
    if package is None:
        return None
    installed = f"{package.name} {package.version}" if package.version else f"{package.name}, version not reported"
    if fix_in_words(finding):
        return f"{installed}; the report names the fixed version in words only"
    if finding.class_ == "licence":
        return installed
    if not package.fixed_versions:
        return f"{installed}; the report names no fixed version"
    listed = join(package.fixed_versions, "or")
    nearest = f"; the nearest above the installed one is {target}" if target and len(package.fixed_versions) > 1 else ""
    return f"{installed}; fixed in {listed}{nearest}"
