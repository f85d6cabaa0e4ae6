"""Narratives of a whole project do not repeat themselves.

Measured as the share of 8-grams (of words, outside of code spans and blocks, which hold commands and names) that stand
in more than 5 % of the narratives. Code is replaced by one word, so that a sentence around it still counts as a whole.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from config.settings import Settings
from handlers.analysis.rules import analyse
from handlers.clean import clean_finding
from handlers.knowledge.cwe import Catalogue
from handlers.narrative.rules import narrate
from handlers.readers import read_report
from handlers.records import Narrative

SHARED = Path(__file__).parents[4] / "shared"
GRAM = 8
COMMON = 0.05
MOST = 0.20

Gram = tuple[str, ...]


def grams(narrative: Narrative) -> Iterator[Gram]:
    text = " ".join((narrative.what, narrative.why, narrative.fix, narrative.check))
    text = re.sub(r"```.*?```|`[^`]*`", " code ", text, flags=re.DOTALL)
    words = re.findall(r"[a-z0-9'-]+", text.lower())
    yield from zip(*(words[at:] for at in range(GRAM)), strict=False)


def repetition(narratives: Sequence[Narrative]) -> tuple[float, float]:
    """The share of common 8-grams among all different ones, and among all occurrences."""
    texts = [list(grams(each)) for each in narratives]
    standing = Counter(gram for text in texts for gram in set(text))
    occurring = Counter(gram for text in texts for gram in text)
    common = [gram for gram, count in standing.items() if count > COMMON * len(texts)]
    return len(common) / len(standing), sum(occurring[gram] for gram in common) / sum(occurring.values())


@pytest.fixture(scope="module")
def seed(catalogue: Catalogue) -> list[Narrative]:
    """The narratives of all reports of the seed project."""
    manifest = SHARED / "artifacts" / "manifest.json"
    if not manifest.exists():
        pytest.skip(f"no corpus of real reports at {SHARED}")
    files = [each["file"] for each in json.loads(manifest.read_text())["files"] if each.get("seed")]
    limits = Settings().limits
    findings = [each for file in files for each in read_report(SHARED / file, limits).findings]
    return [narrate(analyse(clean_finding(each, limits.max_text), catalogue), catalogue) for each in findings]


def test_less_than_a_fifth_is_common(seed: list[Narrative]) -> None:
    different, occurrences = repetition(seed)
    assert len(seed) > 400
    assert different < MOST
    assert occurrences < MOST


def test_the_measure_sees_boilerplate(seed: list[Narrative]) -> None:
    assert repetition([seed[0]] * 40) == (1.0, 1.0)


def test_few_narratives_are_the_same_but_for_names(seed: list[Narrative]) -> None:
    """The seed holds several reports twice in another form; each problem counts once."""
    problems = {each.analysis.finding.fingerprint: each for each in seed}.values()
    told = Counter(tuple(grams(each)) for each in problems)
    assert sum(count for count in told.values() if count > 1) < len(problems) / 10


def test_they_are_short(seed: list[Narrative]) -> None:
    words = sorted(len(f"{each.what} {each.why} {each.fix} {each.check}".split()) for each in seed)
    assert words[len(words) // 2] < 160
    assert words[-1] < 400
