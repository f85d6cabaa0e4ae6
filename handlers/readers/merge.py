"""One problem, once: records that state the same become one finding that keeps all its occurrences.

The same problem are

- records that agree in everything but their wording of the severity: same rule, places and words;
- records about one package (name, version) at one place that share an advisory id or an alias of it;
- records of different sources (reports of one archive, runs of one log) with the same rule on the same line, and
  records about a package that share an id where one source gives the place more fully (`lock.json`, `/src/lock.json`).

Several records of one source that differ in place or words are different problems; their fingerprints, which know no
line numbers, are told apart by an ordinal.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from handlers.readers.fingerprint import fingerprint, subject
from handlers.records import Finding

IMAGE_DETAIL = re.compile(r" \([^)]*\)$|:[\w][\w.-]{0,127}$|@sha256:[0-9a-f]{64}$")
"""What scanners add to the name of a container image: the system in it, the tag, the digest."""


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The distinct problems among `findings`, in order of their first record, with fingerprints (written into them)."""
    given = list(findings)
    subjects = [subject(finding) for finding in given]
    groups = _Groups(len(given))
    _within_sources(given, subjects, groups)
    if _several_sources(given):
        _across_sources(given, groups)
    return tuple(_with_fingerprints(given, subjects, groups))


def _within_sources(given: list[Finding], subjects: list[bytes], groups: _Groups) -> None:
    """Ties records that state the same. Only those with equal subjects can, but for packages, which have aliases."""
    first: dict[bytes, int] = {}
    for number, finding in enumerate(given):
        known = first.setdefault(subjects[number], number)
        if finding.package is not None and finding.ids:
            groups.tie_all(same(finding), number)
        elif known != number:
            groups.tie_all(same(given[known]), known)
            groups.tie_all(same(finding), number)


def same(finding: Finding) -> list[Hashable]:
    """Records that share one of these keys state the same problem."""
    package = finding.package
    if package is not None and finding.ids:
        place = finding.locations[0] if finding.locations else None
        return [(each, package.name, package.version, place) for each in finding.ids]
    words = finding.title, finding.snippet, finding.description
    return [(finding.class_, finding.rule_id, finding.locations, package, words)]


def source(finding: Finding) -> tuple[str | None, str]:
    """The scan that a record comes from: the report in its archive, and in SARIF the run."""
    run, results, _ = finding.pointer.rpartition("/results/")
    return finding.member, run if results and "/runs/" in run else ""


def _several_sources(given: list[Finding]) -> bool:
    if not given or all(finding.member is None and finding.pointer.startswith("/runs/0/") for finding in given):
        return False
    return len({source(finding) for finding in given}) > 1


def _across_sources(given: list[Finding], groups: _Groups) -> None:
    """Ties records of different sources. Within a source, the first of each with a key meets the first of the other
    sources, the second the second: so two problems on one line stay two."""
    seen: Counter[Hashable] = Counter()
    for number in groups.firsts():
        finding = given[number]
        for key in _elsewhere(finding):
            mine = (source(finding), key)
            groups.tie((key, seen[mine]), number, source(finding))
            seen[mine] += 1


def _elsewhere(finding: Finding) -> Iterator[Hashable]:
    place = finding.locations[0] if finding.locations else None
    package = finding.package
    if package is not None and finding.ids:
        for each in finding.ids:
            yield each, package.name.lower(), package.version, _last_part(place.path if place else None)
    elif place is not None and finding.rule_id and (place.path or place.url) and (place.line or place.url):
        yield finding.rule_id, _plain(place.path), place.url, place.method, place.line


def _plain(path: str | None) -> str | None:
    return path.removeprefix("./").lstrip("/") if path else None


def _last_part(path: str | None) -> str:
    if not path:
        return ""
    return IMAGE_DETAIL.sub("", IMAGE_DETAIL.sub("", path)).rpartition("/")[2].lower()


@dataclass(slots=True)
class _Groups:
    """Disjoint sets of numbers; the smallest number of a set stands for it."""

    size: int
    tied: bool = False
    parent: list[int] = field(init=False)
    _by_key: dict[Hashable, int] = field(default_factory=dict)
    _sources: dict[int, set[Hashable]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.parent = list(range(self.size))

    def root(self, number: int) -> int:
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def tie(self, key: Hashable, number: int, source: Hashable = None) -> None:
        """Puts `number` into the set that was tied with this key before; with a source, only if that is new to it."""
        known = self._by_key.setdefault(key, number)
        if known == number and source is None:
            return
        known, number = self.root(known), self.root(number)
        if known == number:
            self._sources[number].add(source)
        elif source is None or source not in self._sources[known]:
            first, second = sorted((known, number))
            self.parent[second] = first
            self.tied = True
            self._sources[first] |= self._sources.pop(second, set()) | {source}

    def firsts(self) -> list[int]:
        return [number for number in range(self.size) if self.parent[number] == number]

    def tie_all(self, keys: Iterable[Hashable], number: int) -> None:
        for key in keys:
            self.tie(key, number)

    def members(self) -> dict[int, list[int]]:
        """The sets of more than one number, by their smallest."""
        found: dict[int, list[int]] = defaultdict(list)
        for number in range(self.size):
            if (root := self.root(number)) != number:
                found[root].append(number)
        return {root: [root, *others] for root, others in found.items()}


def join(findings: list[Finding]) -> Finding:
    """The first of them, with what only others say, and the occurrences, ids and CWEs of all."""
    first = findings[0]
    gaps = {
        name: value
        for name in first.__struct_fields__
        if getattr(first, name) in (None, (), "unknown")
        and (value := next((found for each in findings[1:] if (found := getattr(each, name))), None))
    }
    every = {
        name: tuple(dict.fromkeys(value for each in findings for value in getattr(each, name)))
        for name in ("ids", "cwes")
    }
    occurrences = tuple(each for finding in findings for each in finding.occurrences)
    suppressed = all(finding.suppressed for finding in findings)
    return msgspec.structs.replace(first, **gaps | every, occurrences=occurrences, suppressed=suppressed)


def _with_fingerprints(given: list[Finding], subjects: list[bytes], groups: _Groups) -> Iterator[Finding]:
    ordinals: dict[bytes, int] = {}
    members = groups.members() if groups.tied else {}
    for number, finding in enumerate(given):
        if members and groups.root(number) != number:
            continue
        about = subjects[number]
        if number in members:
            finding = join([given[each] for each in members[number]])
            about = subject(finding)
        ordinal = ordinals.get(about, 0)
        ordinals[about] = ordinal + 1
        # Setting the one open field in place is ten times cheaper than a copy.
        msgspec.structs.force_setattr(finding, "fingerprint", fingerprint(about, ordinal))
        yield finding
