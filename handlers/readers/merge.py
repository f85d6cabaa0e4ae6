"""One problem, once: records that state the same become one finding that keeps all its occurrences.

Two records are the same problem
- about a package: if an advisory id (or an alias) of theirs is the same, and the package, its version and its place;
- about anything else: if rule, place (path or URL, line, column) and words are the same.

Several records of one report that only differ in their place are different problems; their fingerprints, which know no
line numbers, are told apart by an ordinal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from handlers.readers.fingerprint import fingerprint, subject
from handlers.records import Finding

Key = tuple[object, ...]


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The distinct problems among `findings`, in order of their first record, with fingerprints."""
    kept: dict[Key, Finding] = {}
    for finding in findings:
        key = same(finding)
        known = kept.get(key)
        kept[key] = finding if known is None else join(known, finding)
    return tuple(_with_fingerprints(kept.values()))


def same(finding: Finding) -> Key:
    """Equal for two records that state the same problem."""
    place = finding.locations[0] if finding.locations else None
    if finding.package is not None and finding.advisory is not None:
        package = finding.package
        return "package", finding.advisory, package.name.lower(), package.version, place and place.path
    rule = finding.rule_id or finding.title
    words = finding.snippet or (finding.title, finding.description, finding.ids)
    return finding.class_, rule, finding.locations, finding.package, words


def join(first: Finding, other: Finding) -> Finding:
    """`first`, with what only `other` says, and the occurrences of both."""
    gaps = {
        name: getattr(other, name)
        for name in first.__struct_fields__
        if getattr(first, name) in (None, ()) and getattr(other, name) not in (None, ())
    }
    return msgspec.structs.replace(
        first,
        **gaps
        | {
            "ids": tuple(dict.fromkeys(first.ids + other.ids)),
            "cwes": tuple(dict.fromkeys(first.cwes + other.cwes)),
            "suppressed": first.suppressed and other.suppressed,
            "occurrences": first.occurrences + other.occurrences,
        },
    )


def _with_fingerprints(findings: Iterable[Finding]) -> Iterable[Finding]:
    ordinals: Counter[str] = Counter()
    for finding in findings:
        about = subject(finding)
        yield msgspec.structs.replace(finding, fingerprint=fingerprint(about, ordinals[about]))
        ordinals[about] += 1
