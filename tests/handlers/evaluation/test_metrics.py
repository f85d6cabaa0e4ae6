"""What answers got right and wrong: one row at a time, then over rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.dataset.rows import Example, Message
from handlers.evaluation.metrics import BAD, GOOD, score
from handlers.knowledge.catalogue import open_catalogue
from handlers.knowledge.cwe import Catalogue

PROMPT = "Scanner: probe\nCWE: CWE-89\nIds: CVE-2020-12345\nPackage: left-pad 1.0.0 (npm), fixed in 1.2.3, 2.0.1"
JSON = '{"cwes":["CWE-89"],"severity":"high, by the report","affected":"1.0.0; fixed in 1.2.3"}'
KEY = "AKIA" + "QWERTYUIOPASDFGH"


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    root: Path = tmp_path_factory.mktemp("workspace")
    return open_catalogue(root)


def row(expected: str, prompt: str = PROMPT) -> Example:
    return Example(messages=(Message(role="user", content=prompt), Message(role="assistant", content=expected)))


@pytest.mark.parametrize(
    ("name", "expected", "answer", "value"),
    [
        ("json_valid", JSON, JSON, 1.0),
        ("json_valid", JSON, JSON[:-1], 0.0),
        ("json_valid", JSON, "[1]", 0.0),
        ("json_valid", "in words", "{}", None),
        ("cwe_exact", "CWE-89: SQL injection", "It is CWE-89.", 1.0),
        ("cwe_exact", "CWE-89: SQL injection", "CWE-79, or CWE-89", 0.0),
        ("cwe_exact", "CWE-89: SQL injection", "SQL injection", 0.0),
        ("cwe_exact", "Update.", "CWE-89", None),
        ("cwe_near", "CWE-89", "CWE-89", 1.0),
        ("cwe_near", "CWE-89", "CWE-943", 0.5),  # its parent
        ("cwe_near", "CWE-943", "CWE-89", 0.5),
        ("cwe_near", "CWE-89", "CWE-79", 0.0),  # a cousin
        ("cwe_near", "CWE-89", "CWE-999999", 0.0),
        ("severity_exact", "Severity: high, by CVSS", '{"severity": "HIGH"}', 1.0),
        ("severity_exact", "Severity: high, by CVSS", "Severity: low", 0.0),
        ("severity_exact", "Severity: high, by CVSS", "high", 0.0),
        ("severity_exact", "Update.", "Severity: low", None),
        ("fixed_version", JSON, "Upgrade to `1.2.3`.", 1.0),
        ("fixed_version", JSON, "Upgrade to 1.2.30.", 0.0),
        ("fixed_version", "Update.", "1.2.3", None),
        ("id_recall", "CVE-2020-12345 is CWE-89", "CVE-2020-12345", 0.5),
        ("invented_ids", "Update.", "CVE-2020-12345", 0.0),
        ("invented_ids", "Update.", "CVE-2021-99999", 1.0),
        ("invented_ids", "It is CWE-564.", "It is CWE-564.", 0.0),
        ("refusal", "Update.", "I'm sorry, but I can't help with that.", 1.0),
        ("refusal", "Update.", "Update.", 0.0),
        ("repetition", "Update.", "a b c d a b c d", 1 / 5),
        ("repetition", "Update.", "one two three", 0.0),
        ("repetition", "a b c d a b c d", "a b c d a b c d", 0.0),
        ("leak", "Update.", f"The key is {KEY}.", 1.0),
        ("leak", "Update.", "The key was in the report.", 0.0),
    ],
)
def test_scorers(catalogue: Catalogue, name: str, expected: str, answer: str, value: float | None) -> None:
    found = {**GOOD, **BAD}[name](row(expected), answer, catalogue)
    assert found == (value if value is None else pytest.approx(value))


def test_metrics_are_over_the_rows_that_ask_for_them(catalogue: Catalogue) -> None:
    rows = [row("Severity: high"), row("Severity: low"), row("CWE-89")]
    found = {each.name: each for each in score(rows, ["Severity: high", "Severity: critical", "CWE-79"], catalogue)}
    assert found["severity_exact"].scores == ((1, 1.0), (2, 0.0))
    assert found["severity_exact"].figure.value == 0.5
    assert (found["cwe_exact"].rows, found["cwe_exact"].figure.value) == (1, 0.0)
    assert found["severity_kappa"].rows == 2
    assert found["severity_kappa"].figure.value < 0.5
    assert "json_valid" not in found
    assert not found["invented_ids"].more_is_better
