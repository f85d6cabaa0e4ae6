"""Advice in scantune's own words: one entry a weakness, one a scanner's rule. The texts are in `advice/*.yaml`.

A text may offer several wordings, `[first|second]`; `handlers.narrative.phrasing` chooses among them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import yaml

FOLDER = Path(__file__).with_name("advice")


class Advice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say of one weakness. Each text is a clause without a full stop."""

    flaw: str  # completes "the flaw is that …"
    effect: str  # completes "an attacker can …"
    fix: str  # an imperative: "bind values as parameters …"
    check: str  # an imperative: "send a single quote and …"


class RuleAdvice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say of one rule of a scanner, where it is more exact than the weakness allows."""

    flaw: str
    effect: str
    fix: str
    check: str = ""
    change: str = ""  # configuration or code as it should stand, in the file's own language
    language: str = ""  # of `change`: yaml, dockerfile, python, hcl, http, …


def load_advice() -> tuple[dict[int, Advice], dict[str, RuleAdvice]]:
    """All advice: by CWE number, and by rule id. Raises msgspec.ValidationError for an entry that is incomplete."""
    weaknesses: dict[int, Advice] = {}
    rules: dict[str, RuleAdvice] = {}
    for file in sorted(FOLDER.glob("cwe-*.yaml")):
        weaknesses |= msgspec.convert(_read(file), dict[int, Advice])
    for file in sorted(FOLDER.glob("rules-*.yaml")):
        for keys, advice in msgspec.convert(_read(file), dict[str, RuleAdvice]).items():
            rules |= dict.fromkeys(keys.split(), advice)
    return weaknesses, rules


def advice_digest() -> str:
    """Names the texts: twelve hexadecimal digits that change with any of them."""
    digest = hashlib.sha256()
    for file in sorted(FOLDER.glob("*.yaml")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _read(file: Path) -> object:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
