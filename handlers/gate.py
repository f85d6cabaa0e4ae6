"""The facts gate: no text of a model passes that names what neither the finding nor the catalogue names.

Looked at: advisory and weakness ids, addresses, versions and other dotted numbers, paths, packages, functions and other
identifiers, whatever stands in a code span, the severity, and instructions. What is not looked at: the sense of
sentences. A text that passes can still be wrong, but it can't invent a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec

from handlers.hostile import speaks_to_model
from handlers.knowledge.cwe import Catalogue
from handlers.records import Narrative

_ID = re.compile(
    r"\b(?:CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}|CWE-\d+|(?:RUSTSEC|PYSEC|GO|OSV|DSA|DLA|USN|RHSA|ALAS|"
    r"CGA|GMS|SNYK)-[\w-]*\d[\w-]*)",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]*://|\bwww\.)[^\s`)>\]]+", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])v?\d+(?:\.\d+)+[\w.+~-]*")
_PATH = re.compile(
    r"(?<![\w/])(?:~|\.{1,2})?/?(?:[\w.@+-]+/)+[\w.@+-]*|\b[\w-]+\.(?:[a-z]{1,4}\d?|lockfile|gradle|properties)\b(?!\()"
)
_CALL = re.compile(r"[A-Za-z_][\w.:]*(?=\()")
_IDENTIFIER = re.compile(
    r"\b(?:[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|\w*[A-Za-z0-9]_[A-Za-z0-9]\w*|[a-z]\w*(?:\.[a-z]\w*){2,})\b"
)
_PACKAGE = re.compile(
    r"\b(?:package|library|module|crate|gem|dependency|artifact|component|plugin|image)s?\s+(?:named\s+|called\s+)?"
    r"[`'\"]?(@?[A-Za-z0-9][\w.@/:-]*[\w])"
)
_COORDINATE = re.compile(r"(?<![\w/])(?:@[\w.-]+/[\w.-]+|[\w-]+(?:\.[\w-]+)+:[\w.-]+)")
_SPAN = re.compile(r"```\w*\n?(.*?)```|`([^`\n]+)`", re.DOTALL)
_LEVELS = r"(critical|high|medium|moderate|low|informational|info)"
_SEVERITY = re.compile(
    rf"\bseverity(?: is| of|:)?\s+`?{_LEVELS}\b|\b{_LEVELS}[- ]severity\b|\brate[sd]?(?: it| this)?(?: "
    rf"as)? {_LEVELS}\b",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")
_SAME_LEVEL = {"moderate": "medium", "informational": "info"}
_PLAIN_WORD = re.compile(
    r"a|an|and|are|as|at|be|before|by|can|code|containing|contains|could|does|files?|for|from|functions?|"
    r"has|have|here|if|"
    r"in|into|is|it|its|itself|maintainers?|managers?|may|might|must|names?|needs|of|on|or|owners?|should|"
    r"so|that|the|then|"
    r"this|to|together|under|updates?|upgrades?|used?|uses|using|versions?|was|when|where|which|while|"
    r"will|with|without|"
    r"you|your|e\.g|i\.e|[a-z]+/[a-z]+",
    re.IGNORECASE,
)
"""What may follow the word "package" without being its name, and what only looks like a path: and/or, e.g."""


class Refusal(msgspec.Struct, frozen=True):
    """Why a text does not pass."""

    reason: str  # "id", "url", "version", "path", "package", "function", "name", "severity", "instruction", "empty"
    what: str  # the piece of text


@dataclass(frozen=True)
class Facts:
    """All that a text about one finding may name: what its rules' narrative and the catalogue's entries say."""

    narrative: Narrative
    catalogue: Catalogue

    @cached_property
    def text(self) -> str:
        """Everything allowed, in one lower-case text."""
        weaknesses = filter(None, map(self.catalogue.weakness, self.narrative.analysis.finding.cwes))
        line = [above for each in weaknesses for above in self.catalogue.ancestry(each)]
        known = [part for each in line for part in (f"CWE-{each.id}", each.name, *each.owasp)]
        return _flat(" \n ".join([*_strings(msgspec.to_builtins(self.narrative)), *known]))

    def holds(self, name: str) -> bool:
        """Whether the name stands in the facts, bounded on both sides."""
        wanted = _flat(name).strip(" .,;:")
        at = self.text.find(wanted)
        while at >= 0:
            if _bounded(self.text, at, at + len(wanted)):
                return True
            at = self.text.find(wanted, at + 1)
        return not wanted


def refuse(text: str, facts: Facts) -> Refusal | None:
    """The first reason for which a model's text is refused, or None if it passes."""
    if not text.strip():
        return Refusal("empty", "")
    if speaks_to_model(_without_known_spans(text, facts)):
        return Refusal("instruction", text[:80])
    return _unknown(text, facts) or _wrong_severity(text, facts)


_KINDS = (
    ("id", _ID),
    ("url", _URL),
    ("package", _COORDINATE),
    ("package", _PACKAGE),
    ("version", _NUMBER),
    ("path", _PATH),
    ("function", _CALL),
    ("function", _IDENTIFIER),
    ("name", _SPAN),
)
"""What is looked for, the more telling kinds first."""


def _unknown(text: str, facts: Facts) -> Refusal | None:
    """The first name that the facts do not hold. A name that they do hold is taken out whole before the next kind."""
    text = _without_known_spans(text, facts)
    for kind, pattern in _KINDS:
        for found in pattern.finditer(text):
            name = _inner(found)
            if not _PLAIN_WORD.fullmatch(name) and not facts.holds(name):
                return Refusal(kind, name)
        text = pattern.sub(" ", text)
    return None


def _without_known_spans(text: str, facts: Facts) -> str:
    return _SPAN.sub(lambda span: " " if facts.holds(_inner(span)) else span.group(0), text)


def _inner(found: re.Match[str]) -> str:
    """The group that took part, else all that was found."""
    return next(filter(None, found.groups()), found.group(0))


def _wrong_severity(text: str, facts: Facts) -> Refusal | None:
    right = facts.narrative.analysis.finding.severity
    for found in _SEVERITY.finditer(text):
        level = next(filter(None, found.groups())).lower()
        if _SAME_LEVEL.get(level, level) != right:
            return Refusal("severity", found.group(0))
    return None


def _bounded(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is a whole name there: no letter or digit goes on, and no number: 1.2 "
    "is not in 1.2.3."""
    first, last = text[start], text[end - 1]
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    left = (_in_word(first) and _in_word(before[-1:])) or (first.isdigit() and _number_goes_on(before))
    right = (_in_word(last) and _in_word(after[:1])) or (last.isdigit() and _number_goes_on(after[::-1]))
    return not left and not right


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _number_goes_on(pair: str) -> bool:
    """A digit and a full stop towards the name."""
    return len(pair) == 2 and pair[0].isdigit() and pair[1] == "."


def _flat(text: str) -> str:
    return _SPACE.sub(" ", text).lower()


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
