"""The records that travel from stage to stage. JSON Lines on disk, one record a line, written by `dump_lines`.

Every field says only what a report carried; None and empty mean that the report does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeVar, get_args

import msgspec

Severity = Literal["critical", "high", "medium", "low", "info", "unknown"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The worst first."""
Class = Literal["vulnerability", "code", "secret", "misconfiguration", "licence", "dast", "quality"]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all records: immutable, compared by value."""


class Location(Record, frozen=True, kw_only=True):
    """Where a problem is: in the source, in a running system, or in a part of an image or a cluster."""

    path: str | None = None  # as the report gives it, `/`-separated, without `file://`
    line: int | None = None  # 1-based; None where the report says 0 or nothing
    end_line: int | None = None
    column: int | None = None  # 1-based
    url: str | None = None
    method: str | None = None  # HTTP method of a dynamic finding
    symbol: str | None = None  # function, resource, image layer


class Package(Record, frozen=True, kw_only=True):
    """The affected package, as it is installed, and the versions that are not affected any more."""

    name: str
    ecosystem: str | None = None  # as in purl types: npm, pypi, maven, deb, golang, …
    version: str | None = None
    fixed_versions: tuple[str, ...] = ()
    purl: str | None = None


class Occurrence(Record, frozen=True, kw_only=True):
    """One record of a report that states this finding; merging keeps them all, so it can be undone."""

    pointer: str  # JSON pointer (or XPath-like pointer, or line number) into the member
    member: str | None = None  # path inside the zip, `!`-separated for zips in zips
    tool: str
    rule_id: str | None = None


class Finding(Record, frozen=True, kw_only=True):
    """One problem that a scanner reported, in the same terms whichever scanner and format it came from."""

    fingerprint: str  # "1:" + hexadecimal digest; survives moved lines and a re-scan
    tool: str  # the scanner's name in lower case: "trivy", "semgrep", …
    tool_version: str | None = None
    format: str  # the reader that read it: "sarif", "trivy", …
    repository: str | None = None  # of what was scanned, where the report names it: "github.com/owner/name"
    rule_id: str | None = None
    title: str
    class_: Class = msgspec.field(name="class")
    severity: Severity = "unknown"
    severity_raw: str | None = None
    severity_origin: str | None = None  # which field said it, e.g. "security-severity", "level"
    cvss_vector: str | None = None
    cvss_score: float | None = None
    cwes: tuple[str, ...] = ()  # "CWE-79", in the report's order
    ids: tuple[str, ...] = ()  # CVE-…, GHSA-…, …
    description: str | None = None
    remediation: str | None = None  # what the scanner says should be done
    references: tuple[str, ...] = ()
    snippet: str | None = None  # code as the report quotes it; never of a secret
    locations: tuple[Location, ...] = ()
    package: Package | None = None
    suppressed: bool = False
    suppression: str | None = None  # why, if said
    pointer: str  # of the first occurrence
    member: str | None = None
    occurrences: tuple[Occurrence, ...] = ()

    @property
    def advisory(self) -> str | None:
        """The one id that names the advisory best: a CVE if there is one, else the first id."""
        return next((each for each in self.ids if each.startswith("CVE-")), self.ids[0] if self.ids else None)


class Origin(Record, frozen=True, kw_only=True):
    """Who wrote a text: rules of a version, a model of a revision, or a person."""

    kind: Literal["rules", "model", "user"]
    version: str
    generation: int = 0  # 0: written by rules or a person; n + 1: by a model trained on generation n


class Analysis(Record, frozen=True, kw_only=True):
    """What can be said about one finding, each statement from the finding or from a named catalogue."""

    finding: Finding
    kind: str  # what kind of flaw, in words
    where: str
    reach: str | None  # how it can be reached, as far as the facts say
    severity: str  # with its origin, in words
    affected: str | None  # affected and fixed versions, in words
    target: str | None = None  # the smallest fixed version above the installed one
    exploited: tuple[str, ...] = ()  # what KEV and EPSS say, a clause each, if their files are there
    owasp: tuple[str, ...] = ()  # OWASP Top Ten 2021 classes of its weaknesses: "A03:2021 Injection"
    unknown: tuple[str, ...]  # what the report does not say
    confidence: Literal["high", "medium", "low"]
    sources: tuple[str, ...]  # e.g. "report", "CWE 4.14"
    origin: Origin


class Narrative(Record, frozen=True, kw_only=True):
    """The same for a person who has to act."""

    analysis: Analysis
    what: str
    why: str
    fix: str
    check: str
    origin: Origin


R = TypeVar("R", bound=Record)
_encoder = msgspec.json.Encoder(order="deterministic")


def dump_lines(path: Path, records: Iterable[msgspec.Struct]) -> int:
    """Writes one record a line, the same bytes for the same records; returns how many."""
    count = 0
    with path.open("wb") as out:
        for record in records:
            out.write(_encoder.encode(record) + b"\n")
            count += 1
    return count


def load_lines(path: Path, kind: type[R]) -> Iterator[R]:
    """Reads what `dump_lines` wrote. Raises msgspec.ValidationError for a line that is no such record."""
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)
