"""CVSS vectors in words."""

from __future__ import annotations

import pytest

from handlers.knowledge.severity import explain_vector


def test_a_version_3_vector() -> None:
    found = explain_vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:L/A:N")
    assert found is not None
    assert found.reach == "over the network, without an account, once a user plays along (no special conditions)"
    assert found.stakes == "high impact on confidentiality and low impact on integrity"
    assert (found.version, found.score, found.rating, found.changes_scope) == ("3.1", 8.2, "High", True)


def test_a_version_4_vector() -> None:
    found = explain_vector("CVSS:4.0/AV:L/AC:H/AT:N/PR:L/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N")
    assert found is not None
    assert found.reach == "from a local session, with an ordinary account (conditions that are hard to meet)"
    assert found.stakes == "high impact on availability"
    assert found.version == "4.0"


def test_a_version_2_vector() -> None:
    found = explain_vector("AV:N/AC:M/Au:S/C:P/I:P/A:C")
    assert found is not None
    assert found.reach == "over the network, after one login (some special conditions)"
    assert found.version == "2.0"


@pytest.mark.parametrize(
    "text", [None, "", "high", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N/AC:L", "AV:N/AC:M/Au:S/C:P/I:P/A:C/evil"]
)
def test_what_is_no_vector_gives_none(text: str | None) -> None:
    assert explain_vector(text) is None
