"""The Common Weakness Enumeration as scantune keeps it: names, relations and structured fields, no prose.

Source: the catalogue of https://cwe.mitre.org that PyPI's `cwe2` bundles as XML (schema 7.1). Its descriptions are left
where they are; sentences about a weakness are composed from the fields below and from `advice.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from handlers.knowledge.advice import Advice, RuleAdvice

_COMMON_NAME = re.compile(r"\('([^']+(?:'[a-z ][^']*)?)'\)")


class Consequence(msgspec.Struct, frozen=True, array_like=True):
    """What a weakness can lead to."""

    scopes: tuple[str, ...]  # "Confidentiality", "Integrity", …
    impacts: tuple[str, ...]  # "Read Application Data", …


class Mitigation(msgspec.Struct, frozen=True, array_like=True):
    """What helps against a weakness."""

    id: str | None  # "MIT-5"; most have none
    phases: tuple[str, ...]  # "Implementation", …
    strategy: str | None  # "Input Validation", …


class Weakness(msgspec.Struct, frozen=True, array_like=True):
    """One entry. Categories are entries too: they have a name and members, and nothing else."""

    id: int
    name: str
    abstraction: str  # Pillar, Class, Base, Variant, Compound, Category
    deprecated: bool
    parents: tuple[int, ...]  # primary parent first
    children: tuple[int, ...]
    consequences: tuple[Consequence, ...]
    mitigations: tuple[Mitigation, ...]
    owasp: tuple[str, ...]  # "A03:2021 Injection"
    likelihood: str | None  # of exploit: High, Medium, Low

    @property
    def common_name(self) -> str:
        """The name that people use: `Cross-site Scripting` for the long form that carries it in brackets."""
        found = _COMMON_NAME.search(self.name)
        return found.group(1) if found else self.name


class Catalogue(msgspec.Struct, frozen=True):
    """The distilled table; `source` says what it was made from, for people ("CWE 4.14")."""

    version: str
    source: str
    weaknesses: dict[int, Weakness]
    advice: dict[int, Advice]
    rules: dict[str, RuleAdvice]

    def weakness(self, cwe: str) -> Weakness | None:
        """The entry of an id such as "CWE-79", or None if the catalogue has none."""
        digits = cwe.removeprefix("CWE-")
        return self.weaknesses.get(int(digits)) if digits.isascii() and digits.isdigit() else None

    def ancestry(self, weakness: Weakness) -> Iterator[Weakness]:
        """The weakness, then its ancestors, nearest first, each once."""
        seen, level = {weakness.id}, [weakness]
        while level:
            yield from level
            above = [number for each in level for number in each.parents if number in self.weaknesses]
            level = [self.weaknesses[number] for number in dict.fromkeys(above) if number not in seen]
            seen.update(each.id for each in level)

    def advised(self, weakness: Weakness) -> tuple[Weakness, Advice] | None:
        """The nearest entry, upwards, for which there is advice, and that advice."""
        return next(((each, self.advice[each.id]) for each in self.ancestry(weakness) if each.id in self.advice), None)

    def rule(self, tool: str, rule_id: str | None) -> RuleAdvice | None:
        """Advice for a scanner's rule: by its whole id, else by its last dotted part, else by a leading code."""
        if rule_id is None:
            return None
        candidates = (f"{tool}:{rule_id}", rule_id, rule_id.rsplit(".", 1)[-1], rule_id.rsplit("/", 1)[-1])
        return next((self.rules[each] for each in candidates if each in self.rules), None)
