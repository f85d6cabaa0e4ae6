"""What belongs together: findings of one problem form one group, whatever tool saw them and under which alias.

A finding's own key follows from the finding alone: its advisory's id, else CWE, rule and package or code. Keys, ids and
places that ever stood in one finding are united to one group.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from handlers.records import Finding

ADVISORY = re.compile(r"\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})\b", re.IGNORECASE)
"""The ids by which a free text names an advisory."""

IDENTIFIER = re.compile(r"[A-Z]{2,16}(?:[-:][A-Z0-9]{1,16}){1,6}")
"""What the databases' ids look like, in upper case: RUSTSEC-2021-0078, RHSA-2023:1405, GO-2022-0969."""


def advisories(finding: Finding) -> tuple[str, ...]:
    """The finding's advisory ids in one spelling, the best name first: CVE, then GHSA, then any other."""
    names = (each.strip().upper() for each in finding.ids)
    return tuple(sorted({each for each in names if IDENTIFIER.fullmatch(each)}, key=_rank))


def _rank(name: str) -> tuple[int, str]:
    return (0 if name.startswith("CVE-") else 1 if name.startswith("GHSA-") else 2), name


def own_key(finding: Finding) -> str:
    """The key that decides a finding's side. It needs no other finding, so it never changes."""
    ids = advisories(finding)
    if ids:
        return ids[0]
    cwes = ",".join(sorted(set(finding.cwes)))
    said = "|".join((cwes, finding.rule_id or finding.title, subject(finding)))
    return f"problem {_digest(said)}"  # a digest, since keys are published and rules are other people's text


def subject(finding: Finding) -> str:
    """What the finding is about: the package, else a digest of the quoted code with white space evened out, else ''."""
    if finding.package is not None:
        return finding.package.name.casefold()
    code = " ".join((finding.snippet or "").split())
    return _digest(code) if code else ""


def other_keys(finding: Finding) -> tuple[str, ...]:
    """What else names the same problem: its advisories, else where its rule fired.

    One scan may be told in two formats, one with the code and one without; the place then says that it is one problem.
    """
    ids = advisories(finding)
    if ids:
        return ids
    rule, lines = finding.rule_id or finding.title, {(each.path, each.line) for each in finding.locations}
    places = sorted((path, line) for path, line in lines if path and line)
    return tuple(f"spot {_digest('|'.join((finding.tool, rule, path, str(line))))}" for path, line in places)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def named_in(text: str) -> tuple[str, ...]:
    """The advisories that a free text names, best name first."""
    return tuple(sorted({each.upper() for each in ADVISORY.findall(text)}, key=_rank))


class Groups:
    """Union of keys; a group's name is its smallest key, so it does not depend on the order of arrival."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def unite(self, keys: Iterable[str]) -> None:
        """Says that all `keys` stand for one problem."""
        roots = {self.find(each) for each in keys}
        if roots:
            top = min(roots)
            self._above.update(dict.fromkeys(roots, top))

    def find(self, key: str) -> str:
        """The name of the group of `key`; a key that was never united is a group of its own."""
        above = self._above
        root = key
        while (higher := above.setdefault(root, root)) != root:
            root = higher
        while above[key] != root:
            above[key], key = root, above[key]
        return root

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._above))
