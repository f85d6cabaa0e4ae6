"""What reading a report gives: its findings, and books that say what became of every record."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from handlers.records import Finding, Record

Status = Literal["parsed", "parsed_with_warnings", "scan_failed", "quarantined", "not_a_report"]


class Books(Record, frozen=True, kw_only=True):
    """seen = kept + merged + left_out, always."""

    seen: int = 0  # records that state a problem
    kept: int = 0  # the findings listed
    merged: int = 0  # records that state a problem which an earlier record states already
    left_out: int = 0  # dropped on purpose, each kind with a warning

    @property
    def balanced(self) -> bool:
        return self.seen == self.kept + self.merged + self.left_out


class Reading(Record, frozen=True, kw_only=True):
    """A report, or an archive of reports: `members` is then not None, and `findings` are those of all, merged."""

    path: str = ""  # of a member inside its archive, `!`-separated for archives in archives
    status: Status
    tool: str | None = None
    tool_version: str | None = None
    format: str | None = None
    books: Books = Books()
    skipped: dict[str, int] = msgspec.field(default_factory=dict)  # reason -> records that state no problem
    findings: Collection[Finding] = ()  # a tuple; for logs too large for memory one that reads them from a file
    reason: str | None = None  # why it was quarantined, is no report, or the scan failed
    hint: str | None = None  # what the person can do about it
    warnings: tuple[str, ...] = ()
    members: tuple[Reading, ...] | None = None

    @property
    def parsed(self) -> bool:
        """Its findings are usable: read, with or without warnings, or from a scan that failed half-way."""
        return self.status in ("parsed", "parsed_with_warnings", "scan_failed")
