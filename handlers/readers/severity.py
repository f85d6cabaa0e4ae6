"""One scale of severity for all tools: critical, high, medium, low, info, unknown.

| our word | words of tools (any case)                          | CVSS base score (v3 and v4 bands) |
|----------|-----------------------------------------------------|-----------------------------------|
| critical | critical, crit, very high, urgent, blocker, emergency | 9.0 - 10.0                      |
| high     | high, error, important, severe, fatal, serious, alert | 7.0 - 8.9                       |
| medium   | medium, moderate, med, warning, warn, major, average  | 4.0 - 6.9                       |
| low      | low, minor, notice, negligible, very low              | 0.1 - 3.9                       |
| info     | info, informational, note, style, none, hint, log …   | 0.0                             |
| unknown  | everything else, or nothing said                      |                                 |

A tool whose words mean something else brings a scale of its own (`Problem.scale`). A word outranks a score: it is the
tool's own judgement. Bands: FIRST, CVSS v3.1 specification, section 5; v4.0, section 6. A v2 score reads like a v3 one.
"""

from __future__ import annotations

from collections.abc import Mapping

from handlers.records import Severity

WORDS: Mapping[str, Severity] = {
    **dict.fromkeys(("critical", "crit", "very high", "urgent", "blocker", "emergency"), "critical"),
    **dict.fromkeys(("high", "error", "important", "severe", "fatal", "serious", "alert"), "high"),
    **dict.fromkeys(("medium", "moderate", "med", "warning", "warn", "major", "average", "middle"), "medium"),
    **dict.fromkeys(("low", "minor", "notice", "negligible", "very low"), "low"),
    **dict.fromkeys(
        ("info", "informational", "note", "information", "informative", "style", "none", "debug", "hint", "log"), "info"
    ),
}
BANDS: tuple[tuple[float, Severity], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))


def from_word(word: str, scale: Mapping[str, Severity] | None = None) -> Severity | None:
    """The severity that a tool's word means, or None for a word that means none."""
    plain = word.strip().lower().replace("_", " ").replace("-", " ")
    return (scale or {}).get(plain) or WORDS.get(plain)


def from_score(score: float) -> Severity | None:
    """The band of a CVSS base score, 0.0 to 10.0; None outside of that."""
    if not 0.0 <= score <= 10.0:
        return None
    return next((severity for least, severity in BANDS if score >= least), "info")


def score_of(vector: str) -> float | None:
    """The base score of a CVSS vector of version 2, 3 or 4; None if it is no vector."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError

    kind = CVSS4 if vector.startswith("CVSS:4") else CVSS3 if vector.startswith("CVSS:3") else CVSS2
    try:
        parsed = kind(vector.strip("()"))
    except (CVSSError, ValueError, KeyError, IndexError):
        return None
    return float(parsed.base_score) if kind is CVSS4 else float(parsed.scores()[0])
