"""TruffleHog: version 3 (https://github.com/trufflesecurity/trufflehog, pkg/output/json.go), version 2 (its
`--json` lines), and trufflehog3 (https://github.com/feeltheajf/trufflehog3, Issue). All as JSON Lines or a list."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers import identifiers
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Severity

VERIFICATION: dict[str, Severity] = {"verified": "critical", "unverified": "medium"}
"""Version 3 tells no severity but whether the secret works: one that does is the worst that a scan can find."""


@reads("trufflehog", lambda report: some(report, "SourceMetadata") and some(report, "DetectorName"))
def version_3(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        if "SourceMetadata" not in record and "msg" in record:
            ledger.skip("log line")
            continue
        source = next((where for _, where in record.at("SourceMetadata").fields("Data")), Node(None))
        verified = record.flag("Verified")
        kind = record.text("DetectorName") or record.text("DetectorType")
        yield Problem(
            record,
            "secret",
            title=f"{kind or 'Unknown kind of'} secret",
            rule_id=kind,
            severity=None if verified is None else "verified" if verified else "unverified",
            severity_origin="Verified",
            scale=VERIFICATION,
            description=_where(
                source.text("commit"),
                identifiers.repository(source.text("repository")) or source.text("bucket", "image", "project"),
            ),
            references=(source.text("link"),),
            path=source.text("file", "path", "filename", "key"),
            line=source.integer("line"),
            url=source.text("link"),
            repository=source.text("repository", "link"),
            secrets=record.texts("Raw") + record.texts("RawV2") + record.texts("Redacted"),
        )


@reads("trufflehog2", lambda report: some(report, "reason", "stringsFound"), tool="trufflehog")
def version_2(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        reason = record.text("reason")
        yield Problem(
            record,
            "secret",
            title=f"Secret: {reason}" if reason else None,
            rule_id=reason,
            description=_where(record.text("commitHash"), record.text("branch")),
            path=record.text("path"),
            line=record.integer("new_line_num", "linenum"),
            secrets=record.texts("stringsFound"),
        )


@reads("trufflehog3", lambda report: some(report, "rule", "secret", "path"))
def trufflehog3(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        yield Problem(
            record,
            "secret",
            title=record.text("rule.message"),
            rule_id=record.text("rule.id"),
            severity=record.text("rule.severity"),
            severity_origin="rule.severity",
            description=_where(record.text("commit"), record.text("branch")),
            path=record.text("path"),
            line=record.integer("line"),
            secrets=record.texts("secret"),
        )


def _where(commit: str | None, place: str | None) -> str | None:
    words = (f"in commit {commit}" if commit else None, f"of {place}" if place else None)
    return " ".join(word for word in words if word).capitalize() or None
