"""Which version to take, where a report says so in words only."""

from __future__ import annotations

import re

from handlers.records import Finding

_TAKE_VERSION = re.compile(
    r"\W*(?:please )?(?:(?:up(?:grade|date)|bump) (?:\S+ )?to (?:version )?|install \S+ )v?\d+\.\d", re.IGNORECASE
)


_NAMES_VERSION = re.compile(
    r"\b(?:(?:upgrad|updat)\w+ to|(?:fixed|patched|resolved|addressed|corrected) in|prior to|before) "
    r"(?:[a-z][\w.-]* ){0,3}v?\d+\.\d",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])|\n+")


def fix_in_words(finding: Finding) -> str | None:
    """The scanner's advice or the sentence of the description that names the version to take, if nothing else does."""
    if finding.package is None or finding.package.fixed_versions:
        return None
    said = (finding.remediation or "").replace(f"{finding.package.name} ", "")
    if _TAKE_VERSION.match(said):
        return finding.remediation
    sentences = (each.strip() for each in _SENTENCE.split(finding.description or ""))
    return next((each for each in sentences if _NAMES_VERSION.search(each)), None)
