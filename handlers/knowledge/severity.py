"""CVSS vectors in words (FIRST's specifications of v2, v3.x and v4.0; parsed and scored by `cvss`)."""

from __future__ import annotations

from typing import Literal

import msgspec

Impact = Literal["none", "low", "high"]

_ROUTE = {
    "N": "over the network",
    "A": "from an adjacent network",
    "L": "from a local session",
    "P": "with physical access",
}
_PRIVILEGES = {"N": "without an account", "L": "with an ordinary account", "H": "with high privileges"}
_AUTHENTICATION = {"N": "without authentication", "S": "after one login", "M": "after several logins"}
_INTERACTION = {"R": "once a user plays along", "P": "once a user is present", "A": "once a user takes an action"}
_COMPLEXITY = {"L": "no special conditions", "M": "some special conditions", "H": "conditions that are hard to meet"}
_LEVELS = {"H": "high", "C": "high", "L": "low", "P": "low", "N": "none"}
_AT_STAKE = (("C", "confidentiality"), ("I", "integrity"), ("A", "availability"))


class Vector(msgspec.Struct, frozen=True):
    """What a CVSS base vector says, in words."""

    version: str  # "2.0", "3.0", "3.1", "4.0"
    score: float  # of the base metrics, 0.0 to 10.0
    rating: str  # "Critical", as the specification names it; v2 has none: by NVD's bands
    route: str  # "over the network"
    access: str  # "without an account"
    interaction: str | None  # None: nobody has to help
    complexity: str
    impacts: tuple[str, ...]  # "high impact on confidentiality"
    changes_scope: bool

    @property
    def reach(self) -> str:
        """How an attacker gets there: one clause."""
        steps = [self.route, self.access] + ([self.interaction] if self.interaction else [])
        return ", ".join(steps) + f" ({self.complexity})"

    @property
    def stakes(self) -> str:
        """What is at stake: one clause."""
        if not self.impacts:
            return "no impact on confidentiality, integrity or availability"
        *first, last = self.impacts
        return f"{', '.join(first)} and {last}" if first else last


def explain_vector(text: str | None) -> Vector | None:
    """The words for a vector; None for no vector or one that breaks its specification."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError

    if not text:
        return None
    kinds = {"CVSS:4": CVSS4, "CVSS:3": CVSS3}
    kind = kinds.get(text[:6], CVSS2)
    try:
        parsed = kind(text.strip())
    except CVSSError:
        return None
    metrics = {key: str(value) for key, value in getattr(parsed, "original_metrics", parsed.metrics).items()}
    version = text[5:8] if text.startswith("CVSS:") else "2.0"
    return _words(
        version,
        float(parsed.base_score),
        str(parsed.severities()[0] if kind is not CVSS4 else parsed.severity),
        metrics,
    )


def _words(version: str, score: float, rating: str, metrics: dict[str, str]) -> Vector:
    prefix = "V" if version == "4.0" else ""
    access = _AUTHENTICATION[metrics["Au"]] if "Au" in metrics else _PRIVILEGES[metrics["PR"]]
    impacts = ((name, _LEVELS[metrics[prefix + key]]) for key, name in _AT_STAKE)
    return Vector(
        version=version,
        score=score,
        rating=rating,
        route=_ROUTE[metrics["AV"]],
        access=access,
        interaction=_INTERACTION.get(metrics.get("UI", "N")),
        complexity=_COMPLEXITY[metrics["AC"]],
        impacts=tuple(f"{level} impact on {name}" for name, level in impacts if level != "none"),
        changes_scope=metrics.get("S") == "C" or any(metrics.get(key, "N") != "N" for key in ("SC", "SI", "SA")),
    )
