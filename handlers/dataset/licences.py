"""Under which licence the text of an advisory stands, as its database says; an id tells the database."""

from __future__ import annotations

from collections.abc import Sequence

LICENCES = (
    ("GHSA-", "CC-BY-4.0 (GitHub Advisory Database)"),
    ("PYSEC-", "CC-BY-4.0 (PyPA Advisory Database)"),
    ("GO-", "CC-BY-4.0 (Go Vulnerability Database)"),
    ("RUSTSEC-", "CC0-1.0 (RustSec Advisory Database)"),
    ("CVE-", "CVE terms of use"),
)
"""Per database; the first that matches any id counts, so the stricter ones come first."""


def licence_of(ids: Sequence[str]) -> str:
    """The licence of the text about an advisory; without a known one the text is the scanner's own."""
    for prefix, licence in LICENCES:
        if any(each.startswith(prefix) for each in ids):
            return licence
    return "as the scanner licenses its rules"
