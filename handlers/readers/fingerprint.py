"""The identity of a finding, in one place. Version 1.

A fingerprint must survive moved lines and a new scan, so no line number, date, severity or tool version is part of it:

- a finding about a package with an advisory: advisory, package, installed version, path
- everything else: rule, path or URL, method, symbol, and the quoted code, else the title and message (white space and
  digits evened out, because messages quote line numbers and counts)

Records of one scan that are the same in all of this and still differ (the same call on three lines) get an ordinal in
the order of the report.
"""

from __future__ import annotations

import hashlib
import re

from handlers.records import Finding

VERSION = "1"
SEPARATOR = "\x1f"
"""Between the parts of a subject: findings hold no control characters."""
DIGITS = re.compile(r"\d+")


def subject(finding: Finding) -> bytes:
    """A digest (16 bytes of SHA-256) of what the finding is about; the same for records that differ in place only."""
    place = finding.locations[0] if finding.locations else None
    url = place.url.partition("?")[0] if place and place.url else None
    where = (place.path, url, place.method, place.symbol) if place else (None, None, None, None)
    what: tuple[str | None, ...]
    if finding.package is not None and finding.advisory is not None:
        package = finding.package
        what = ("package", finding.advisory, package.ecosystem, package.name, package.version, where[0])
    elif finding.snippet:
        what = ("code", finding.rule_id, *where, " ".join(finding.snippet.split()))
    else:
        message = finding.description if finding.rule_id else None
        what = ("said", finding.rule_id, *where, _plain(finding.title), _plain(message), *sorted(finding.ids))
    return _digest(SEPARATOR.join([each or "" for each in what]).encode())


def fingerprint(about: bytes, ordinal: int = 0) -> str:
    """`1:` and 32 hexadecimal digits: the subject's, or for the second and later of a subject a digest of both."""
    digest = _digest(about + ordinal.to_bytes(8, "big")) if ordinal else about
    return f"{VERSION}:{digest.hex()}"


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:16]


def _plain(text: str | None) -> str:
    return DIGITS.sub("0", " ".join(text.split()))[:2000] if text else ""
