"""What scantune reads agrees with what independent readers found (`benchmarks/facts.py` lists the rest)."""

import pytest

from benchmarks.facts import everything
from tests.handlers.readers.corpus import MISSING, SHARED


@pytest.mark.skipif(not (SHARED / "facts").is_dir(), reason=MISSING)
def test_facts_agree() -> None:
    compared, differences = everything()
    assert compared.total() > 10_000
    assert len(differences) <= 0.02 * compared.total()
    always = {
        "records.cwe",
        "records.file",
        "records.line",
        "records.package",
        "records.installed",
        "findings.vuln_ids",
    }
    assert not [each for each in differences if each.field in always]
