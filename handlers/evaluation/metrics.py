"""What an answer got right and wrong, against the answer that the rules wrote and the facts that the prompt gave.

Each scorer looks at one row and says None where the row does not ask for what it measures.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from handlers.dataset.rows import Example
from handlers.evaluation.interval import Interval
from handlers.knowledge.cwe import Catalogue
from handlers.privacy.scrub import Scrubber
from handlers.records import Record

LEVELS = ("info", "low", "medium", "high", "critical")
GRAM = 4  # words of a repeated phrase

_ID = re.compile(r"\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}|CWE-\d+)\b")
_CWE = re.compile(r"\bCWE-\d+\b")
_SEVERITY = re.compile(rf"\bseverity\b\W{{0,4}}({'|'.join(LEVELS)})\b", re.IGNORECASE)
_FIXED = re.compile(r"fixed in ([^\n;]+)")
_VERSION = re.compile(r"\d+(?:\.\d+)+(?:[-+.]?[0-9A-Za-z]+)*")
_REFUSAL = re.compile(
    r"^\W*(?:i'm sorry|i am sorry|sorry,|i can(?:'|no)t|i cannot|i'm unable|i am unable|as an ai\b)", re.IGNORECASE
)


class Metric(Record, frozen=True, kw_only=True):
    """One figure over all rows that ask for it."""

    name: str
    rows: int
    figure: Interval
    more_is_better: bool
    scores: tuple[tuple[int, float], ...]  # number of the row, its score; what a paired comparison needs
    ratings: tuple[tuple[int, int, int], ...] = ()  # of a kappa, instead: number of the row, wanted, given


Scorer = Callable[[Example, str, Catalogue], float | None]


def json_valid(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """1 if the answer is one JSON object, where one was asked for."""
    return float(_object(answer) is not None) if _object(row.answer) is not None else None


def cwe_exact(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """1 if the first CWE named is the right one."""
    wanted, given = _CWE.search(row.answer), _CWE.search(answer)
    return float(given is not None and wanted[0] == given[0]) if wanted else None


def cwe_near(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """1 for the right CWE, 1 / (1 + d) for an ancestor or descendant in d steps up the catalogue, else 0."""
    wanted, given = _CWE.search(row.answer), _CWE.search(answer)
    if wanted is None:
        return None
    if given is None:
        return 0.0
    steps = [_climb(catalogue, low, high) for low, high in ((wanted[0], given[0]), (given[0], wanted[0]))]
    known = [each for each in steps if each is not None]
    return 1 / (1 + min(known)) if known else 0.0


def severity_exact(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """1 if the severity is the right one."""
    wanted = severity_of(row.answer)
    return float(wanted == severity_of(answer)) if wanted is not None else None


def fixed_version(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """1 if the answer names a version that the prompt gives as fixed, where the right answer does."""
    offered = {version for clause in _FIXED.findall(row.prompt) for version in _VERSION.findall(clause)}
    wanted = offered & set(_VERSION.findall(row.answer))
    return float(bool(wanted & set(_VERSION.findall(answer)))) if wanted else None


def id_recall(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """The share of the ids (CVE, GHSA, CWE) of the right answer that are named."""
    wanted = set(_ID.findall(row.answer))
    return len(wanted & set(_ID.findall(answer))) / len(wanted) if wanted else None


def invented_ids(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """1 if the answer names an id that neither the prompt nor the right answer knows."""
    return float(bool(set(_ID.findall(answer)) - set(_ID.findall(f"{row.prompt}\n{row.answer}"))))


def refusal(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """1 if the answer declines to answer."""
    return float(bool(_REFUSAL.match(answer)) and not _REFUSAL.match(row.answer))


def repetition(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """The share of four-word phrases that are said again, beyond that of the right answer."""
    return max(0.0, _said_again(answer) - _said_again(row.answer))


def _said_again(text: str) -> float:
    words = re.findall(r"\w+", text)
    grams = Counter(tuple(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1))
    return 1 - len(grams) / grams.total() if grams else 0.0


def leak(row: Example, answer: str, catalogue: Catalogue) -> float | None:
    """1 if the answer holds something that would have been scrubbed from a row: a key, a login, an internal host."""
    return float(Scrubber().data(answer) != answer)


REPETITION = "repetition"
GOOD: dict[str, Scorer] = {
    "json_valid": json_valid,
    "cwe_exact": cwe_exact,
    "cwe_near": cwe_near,
    "severity_exact": severity_exact,
    "fixed_version": fixed_version,
    "id_recall": id_recall,
}
BAD: dict[str, Scorer] = {
    "invented_ids": invented_ids,
    "refusal": refusal,
    REPETITION: repetition,
    "leak": leak,
}
KAPPA = "severity_kappa"


def score(rows: Sequence[Example], answers: Sequence[str], catalogue: Catalogue) -> tuple[Metric, ...]:
    """Every metric that at least one row asks for."""
    found = [_measure(name, scorer, rows, answers, catalogue) for name, scorer in {**GOOD, **BAD}.items()]
    return tuple(each for each in (*found, _kappa(rows, answers)) if each is not None)


def _measure(
    name: str, scorer: Scorer, rows: Sequence[Example], answers: Sequence[str], catalogue: Catalogue
) -> Metric | None:
    each = [scorer(row, answer, catalogue) for row, answer in zip(rows, answers, strict=True)]
    scores = tuple((number, value) for number, value in enumerate(each, 1) if value is not None)
    if not scores:
        return None
    from handlers.evaluation.bootstrap import ratio_interval

    figure = ratio_interval([value for _, value in scores])
    return Metric(name=name, rows=len(scores), figure=figure, more_is_better=name in GOOD, scores=scores)


def _kappa(rows: Sequence[Example], answers: Sequence[str]) -> Metric | None:
    """Over the rows where both say a severity."""
    both = [(severity_of(row.answer), severity_of(answer)) for row, answer in zip(rows, answers, strict=True)]
    ratings = tuple(
        (number, LEVELS.index(wanted), LEVELS.index(given))
        for number, (wanted, given) in enumerate(both, 1)
        if wanted and given
    )
    if not ratings:
        return None
    _, wanted, given = zip(*ratings, strict=True)
    from handlers.evaluation.bootstrap import kappa_interval

    figure = kappa_interval(wanted, given, len(LEVELS))
    return Metric(name=KAPPA, rows=len(ratings), figure=figure, more_is_better=True, scores=(), ratings=ratings)


def severity_of(text: str) -> str | None:
    """The severity that a text states first, in words or as JSON."""
    found = _SEVERITY.search(text)
    return found[1].lower() if found else None


def _object(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def _climb(catalogue: Catalogue, low: str, high: str) -> int | None:
    """Steps up from `low` to `high`, or None if `high` is not above it."""
    level, top = catalogue.weakness(low), catalogue.weakness(high)
    if level is None or top is None:
        return 0 if low == high else None
    reach, steps = {level.id}, 0
    while reach:
        if top.id in reach:
            return steps
        known = (catalogue.weaknesses[each] for each in reach if each in catalogue.weaknesses)
        reach, steps = {parent for each in known for parent in each.parents}, steps + 1
    return None
