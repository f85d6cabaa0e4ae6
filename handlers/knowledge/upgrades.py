"""Which version to take, where a report says so in words only."""

from __future__ import annotations

import re

from handlers.records import Finding

_TAKE_VERSION = re.compile(
    r"\W*(?:please )?(?:(?:up(?:grade|date)|bump) (?:\S+ )?to (?:version )?|install \S+ )v?\d+\.\d", re.IGNORECASE
)


def advises_version(finding: Finding) -> bool:
    """Whether the version to take stands in the scanner's advice, in words, and nowhere else."""
    listed = finding.package is None or bool(finding.package.fixed_versions)
    return not listed and _TAKE_VERSION.match(finding.remediation or "") is not None
