"""Reads one report: bytes -> text -> document -> the reader that claims it -> findings and books."""

from __future__ import annotations

from pathlib import Path

from config.settings import Limits
from handlers.readers import registry
from handlers.readers.documents import parse
from handlers.readers.encoding import decode
from handlers.readers.finish import finding
from handlers.readers.interface import Kind, Ledger, MalformedError, Reader
from handlers.readers.merge import merge
from handlers.readers.node import Node
from handlers.readers.reading import Books, Reading, Status
from handlers.records import Finding

UNKNOWN = "unknown"


def read_report(path: Path, limits: Limits, name: str = "") -> Reading:
    """What a file holds. `name` is only for messages. Raises OSError if the file can't be read; anything that is wrong
    with its content is in the Reading: `quarantined` or `not_a_report`, with a reason."""
    size = path.stat().st_size
    if size > limits.max_bytes:
        return refused(f"{name or path.name} has {size} bytes, more than limits.max_bytes = {limits.max_bytes}")
    return read_bytes(path.read_bytes(), limits)


def read_bytes(content: bytes, limits: Limits) -> Reading:
    """The same for a report in memory."""
    ledger = Ledger(UNKNOWN)
    try:
        kind, document = parse(decode(content, ledger), limits.max_depth, ledger)
        return read_document(kind, document, ledger, limits)
    except MalformedError as error:
        return refused(str(error), ledger)


def read_document(kind: Kind, document: Node, ledger: Ledger, limits: Limits) -> Reading:
    """Raises MalformedError if nobody can read the document."""
    if kind == "json" and document.value in (None, []):
        ledger.warn("an empty report: which tool wrote it can't be told")
        return settle(ledger, None, [])
    if kind == "text" and not registry.claimants(kind, document):
        return Reading(status="not_a_report", reason="plain text or HTML that no scanner's format fits")
    reader = registry.reader_for(kind, document)
    return settle(ledger, reader, _read(reader, document, ledger, limits))


def _read(reader: Reader, document: Node, ledger: Ledger, limits: Limits) -> list[Finding]:
    ledger.tool = reader.tool or reader.name
    return [finding(problem, ledger, reader.name, limits.max_text) for problem in reader.read(document, ledger)]


def settle(ledger: Ledger, reader: Reader | None, findings: list[Finding]) -> Reading:
    """Closes the books of a report."""
    kept = merge(findings)
    seen = len(findings) + ledger.left_out
    warnings = ledger.told()
    status: Status = "scan_failed" if ledger.failed else "parsed_with_warnings" if warnings else "parsed"
    return Reading(
        status=status,
        tool=ledger.tool,
        tool_version=ledger.tool_version,
        format=reader.name if reader else None,
        books=Books(seen=seen, kept=len(kept), merged=len(findings) - len(kept), left_out=ledger.left_out),
        skipped=dict(sorted(ledger.skipped.items())),
        findings=kept,
        reason=ledger.failed,
        warnings=warnings,
    )


def refused(reason: str, ledger: Ledger | None = None) -> Reading:
    return Reading(status="quarantined", reason=reason, warnings=ledger.told() if ledger else ())
