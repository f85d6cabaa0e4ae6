"""What a row asks: a question in one of a few phrasings, and below it the facts of the finding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from handlers.clean import shorten
from handlers.readers.severity import from_score, score_of
from handlers.records import Finding, Location, Package

QUESTIONS: dict[str, tuple[str, ...]] = {
    "analyse": (
        "Analyse this security finding. Answer with one JSON object.",
        "Turn this scanner finding into a structured analysis (JSON).",
        "What does this finding amount to? Reply in JSON.",
    ),
    "explain": (
        "Explain this security finding to the developer who owns the code.",
        "What is this finding about, and why does it matter here?",
        "A scanner reported this. What does it mean for us?",
    ),
    "fix": (
        "How do we fix this finding, and how do we check that it is fixed?",
        "Give the fix for this finding and a way to verify it.",
        "What has to change so that this is no longer reported?",
    ),
    "triage": (
        "Triage this finding: how severe is it, and why?",
        "How urgent is this finding? Give the severity and the reasons.",
        "Set a priority for this finding and justify it.",
    ),
    "cwe": (
        "Which CWE does this describe?",
        "Name the weakness (CWE) behind this finding.",
        "Classify this problem by CWE.",
    ),
    "cvss": (
        "Which CVSS vector does this problem have?",
        "Give the CVSS vector for this vulnerability.",
        "Score this vulnerability as a CVSS vector.",
    ),
    "no_fix": (
        "Which version fixes this?",
        "To which release should we upgrade to be rid of this?",
        "Is there a fixed version for this?",
    ),
    "unknown": (
        "What does the report not say about this finding?",
        "Which questions does this finding leave open?",
        "What do we still not know after reading this finding?",
    ),
}
HIDDEN: dict[str, frozenset[str]] = {
    "triage": frozenset({"Severity"}),
    "cwe": frozenset({"CWE"}),
    "cvss": frozenset({"CVSS", "Severity"}),
}
"""Facts that are the answer, or give it away, and so are not told in the question."""


_score_of = lru_cache(maxsize=4096)(score_of)
DESCRIBED = frozenset({"cwe", "cvss"})
"""Tasks that need the description alone."""


def _follows_from_vector(finding: Finding) -> bool:
    """Whether the CVSS vector tells the severity, and the report's own word for it adds nothing."""
    score = _score_of(finding.cvss_vector) if finding.cvss_vector else None
    told = finding.severity_raw is None or finding.severity_raw.lower() in (finding.severity, str(score))
    return score is not None and told and from_score(score) == finding.severity


def pick(options: Sequence[str], seed: str) -> str:
    """One of `options`, always the same for the same seed."""
    digest = hashlib.blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return options[int.from_bytes(digest, "big") % len(options)]


def ask(task: str, finding: Finding, seed: str, most: int, exploited: Sequence[str] = ()) -> str:
    """The question of a task about a finding, with the facts that it may use, free texts cut at `most` characters.

    `exploited` is what public lists say of its exploitation.
    """
    hidden = HIDDEN.get(task, frozenset())
    if task == "triage" and not _follows_from_vector(finding):
        hidden = frozenset()  # nothing else would tell
    told = [f"{name}: {value}" for name, value in facts(finding, most) if name not in hidden]
    told += [f"Exploitation: {'; '.join(exploited)}"] if exploited and task not in DESCRIBED else []
    return pick(QUESTIONS[task], f"{task} {seed}") + "\n\n" + "\n".join(told)


def facts(finding: Finding, most: int) -> Iterator[tuple[str, str]]:
    """The finding's facts as (name, value); what the report does not say is left out."""
    yield "Scanner", finding.tool
    yield "Problem", finding.title
    if finding.rule_id and finding.rule_id != finding.title:
        yield "Rule", finding.rule_id
    if finding.severity != "unknown":
        yield "Severity", finding.severity + _own_word(finding)
    if finding.ids:
        yield "Ids", ", ".join(finding.ids)
    if finding.cwes:
        yield "CWE", ", ".join(finding.cwes)
    if finding.cvss_vector:
        yield "CVSS", finding.cvss_vector
    if finding.package is not None:
        yield "Package", _package(finding.package)
    if finding.locations:
        yield "Location", _location(finding.locations[0]) + _others(len(finding.locations) - 1)
    if finding.description and finding.description != finding.title:
        yield "Description", shorten(finding.description, most)
    if finding.remediation and finding.remediation != finding.description:
        yield "Advice", shorten(finding.remediation, most)
    if finding.snippet:
        yield "Code", f"\n```\n{_first_lines(finding.snippet, most)}\n```"


def _own_word(finding: Finding) -> str:
    """The report's word for the severity and the field that says it, where it is another word."""
    raw, origin = finding.severity_raw, finding.severity_origin
    return f" ({origin}: {raw})" if raw and origin and raw.lower() != finding.severity else ""


def _first_lines(code: str, most: int) -> str:
    """Whole lines of the code, at most `most` characters; a cut is shown."""
    if len(code) <= most:
        return code
    return code[:most].rpartition("\n")[0] + "\n[…]"


def _package(package: Package) -> str:
    words = [package.name]
    if package.version:
        words.append(package.version)
    if package.ecosystem:
        words.append(f"({package.ecosystem})")
    fixed = f", fixed in {', '.join(package.fixed_versions)}" if package.fixed_versions else ""
    return " ".join(words) + fixed


def _location(place: Location) -> str:
    spot = place.url or place.path or place.symbol or "not given"
    if place.method:
        spot = f"{place.method} {spot}"
    if place.symbol and spot != place.symbol:
        spot = f"{spot} in {place.symbol}"
    return f"{spot}, line {place.line}" if place.line else spot


def _others(count: int) -> str:
    return f" and {count} more" if count else ""
