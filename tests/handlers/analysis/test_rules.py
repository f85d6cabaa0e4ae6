"""Analyses say what the finding carries, and what it does not."""

from __future__ import annotations

import msgspec
import pytest

from handlers.analysis.rules import analyse
from handlers.analysis.run import schema
from handlers.knowledge.cwe import Catalogue
from handlers.records import Analysis, Finding
from tests.handlers.analysis import findings


def test_a_vulnerability_with_all_facts(catalogue: Catalogue) -> None:
    made = analyse(findings.LOG4J, catalogue)
    assert made.kind == "Deserialization of Untrusted Data (CWE-502) and Uncontrolled Resource Consumption (CWE-400)"
    assert made.target == "2.15.0"
    assert made.affected is not None
    assert "fixed in 2.15.0, 2.3.1 or 2.12.2" in made.affected
    assert made.severity == "critical, by the report's Severity; CVSS 3.1 base score 10.0"
    assert made.reach is not None
    assert "over the network, without an account" in made.reach
    assert made.owasp == ("A08:2021 Software and Data Integrity Failures",)
    assert made.confidence == "high"
    assert made.unknown == ("whether this project runs the affected code", "whether it is being exploited anywhere")
    assert made.sources == ("report of trivy", "CWE 4.14", "CVSS specification")


def test_a_finding_with_hardly_any_fact(catalogue: Catalogue) -> None:
    made = analyse(findings.BARE, catalogue)
    assert made.confidence == "low"
    assert made.where == "the report names no place"
    assert made.severity == "unknown: not in the report"
    assert "how severe it is" in made.unknown
    assert "in which file it is" in made.unknown
    assert made.sources == ("report of sometool",)


def test_no_fixed_version_is_said(catalogue: Catalogue) -> None:
    made = analyse(findings.UNFIXED, catalogue)
    assert made.target is None
    assert made.affected == "coreutils 9.4-3ubuntu6; the report names no fixed version"
    assert "whether a fixed version exists" in made.unknown


def test_all_places_are_counted(catalogue: Catalogue) -> None:
    assert analyse(findings.INJECTION, catalogue).where == "shop/orders.py, line 42 and 1 other place"


def test_an_unknown_weakness_is_named_as_it_is(catalogue: Catalogue) -> None:
    strange = msgspec.structs.replace(findings.INJECTION, cwes=("CWE-89", "CWE-99999"))
    assert analyse(strange, catalogue).kind == "SQL Injection (CWE-89) and CWE-99999"


@pytest.mark.parametrize("finding", findings.ALL, ids=lambda each: each.class_)
def test_the_same_finding_gives_the_same_analysis(finding: Finding, catalogue: Catalogue) -> None:
    made = analyse(finding, catalogue)
    assert made == analyse(finding, catalogue)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Analysis) == made


def test_confidence_falls_with_each_missing_fact(catalogue: Catalogue) -> None:
    order = {"high": 2, "medium": 1, "low": 0}
    finding, levels = findings.LOG4J, [2]
    for missing in ({"cwes": (), "cvss_vector": None}, {"ids": ()}, {"package": None}, {"severity": "unknown"}):
        finding = msgspec.structs.replace(finding, **missing)
        levels.append(order[analyse(finding, catalogue).confidence])
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == 0


def test_the_schema_describes_a_line() -> None:
    described = schema()
    assert set(Analysis.__struct_fields__) == set(described["$defs"]["Analysis"]["properties"])  # type: ignore[index]
