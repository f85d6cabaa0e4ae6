"""Reads one file: archive or report; bytes -> text -> document -> the reader that claims it -> findings and books."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from config.settings import Limits
from handlers.readers import archive, registry
from handlers.readers.archive import Budget
from handlers.readers.documents import is_page, parse
from handlers.readers.encoding import decode
from handlers.readers.finish import finding as finished
from handlers.readers.formats import sarif
from handlers.readers.interface import Kind, Ledger, MalformedError, Reader
from handlers.readers.merge import merge
from handlers.readers.node import Node
from handlers.readers.reading import Books, Reading, Status
from handlers.readers.sarif.fast import outline
from handlers.readers.sarif.stream import Walk, may_be_sarif
from handlers.readers.spool import Spool
from handlers.records import Finding

UNKNOWN = "unknown"
FAST_FROM = 1_000_000
"""Bytes from which a SARIF log goes the fast way."""
STREAM_FROM = 200_000_000
"""Bytes from which it goes through a window: slower, but in memory that does not grow with the file."""
NOT_REPORTS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF: scanners' PDFs are for people, drop the JSON or SARIF of the same scan",
    b"\x7fELF": "a program",
}
"""How files begin that are surely no report, and what they are."""


def read_report(path: Path, limits: Limits, name: str = "") -> Reading:
    """What a file holds. `name` is only for messages. Raises OSError if the file can't be read; anything that is wrong
    with its content is in the Reading: `quarantined` or `not_a_report`, with a reason."""
    size = path.stat().st_size
    if size > limits.max_bytes:
        return refused(f"{size} bytes are more than limits.max_bytes = {limits.max_bytes}")
    if size >= STREAM_FROM and may_be_sarif(path):
        reading = _stream(path, limits)
        if reading is not None:
            return reading
    reading = _at_once(path, limits) if size >= FAST_FROM else None
    return reading or read_bytes(path.read_bytes(), limits)


def _at_once(path: Path, limits: Limits) -> Reading | None:
    """The reading of a large SARIF log, or None for anything else. Nobody here holds the text beside those who read it,
    so that it can go before the findings are merged: that is where most memory is needed."""
    budget, ledger = Budget(limits, packed=path.stat().st_size), Ledger(UNKNOWN)
    try:
        with _collector_off():
            reading = _fast(path.read_bytes(), ledger, budget)
            gc.freeze()
            gc.unfreeze()  # both together: its findings are old, and not looked through by the next small collection
            return reading
    except MalformedError as error:
        return refused(str(error), ledger)


def _stream(path: Path, limits: Limits) -> Reading | None:
    """The reading of a huge SARIF log in bounded memory; None if it is not one after all."""
    budget, ledger = Budget(limits, packed=path.stat().st_size), Ledger(UNKNOWN)
    try:
        with _collector_off(), path.open("rb") as file:
            walk = Walk(file, limits.max_depth, ledger, careful=True)
            for number, _ in enumerate(walk):
                if number % 1000 == 0:
                    budget.check_time()
            if not sarif.is_outline_of_sarif(Node(walk.log)):
                return None
            file.seek(0)
            again = Walk(file, limits.max_depth, Ledger(UNKNOWN), careful=False)
            return _spooled(sarif.read_stream(Node(walk.log), again, limits.max_text, ledger), ledger, budget)
    except MalformedError as error:
        return refused(str(error), ledger)


def _spooled(findings: Iterator[Finding], ledger: Ledger, budget: Budget) -> Reading:
    spool, records = Spool(), 0
    for finding in findings:
        spool.add(finding)
        records += 1
        if records % 1000 == 0:
            budget.check_time()
    return settle(ledger, sarif.reader, records, spool)


@contextlib.contextmanager
def _collector_off() -> Iterator[None]:
    """A report makes hundreds of thousands of objects and no cycle: the collector would look through them all, in vain,
    and take longer than reading does."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_bytes(content: bytes, limits: Limits) -> Reading:
    """The same for a file in memory."""
    budget = Budget(limits, packed=len(content))
    try:
        with _collector_off():
            return _read_content(content, "", 0, budget=budget)
    except MalformedError as error:
        return refused(str(error))


def _read_content(content: bytes, member: str, depth: int, *, budget: Budget) -> Reading:
    """Raises MalformedError for an archive that can't be read; a report that can't be read is in the Reading."""
    if content.startswith(archive.GZIP):
        return _read_content(archive.gunzip(content, budget), member, depth + 1, budget=budget)
    if content.startswith(archive.ZIP):
        return archive.read_zip(content, member, depth + 1, budget, functools.partial(_read_content, budget=budget))
    for start, what in NOT_REPORTS.items():
        if content.startswith(start):
            return Reading(path=member, status="not_a_report", reason=what)
    ledger = Ledger(UNKNOWN, member=member or None)
    try:
        reading = _fast(content, ledger, budget) if len(content) >= FAST_FROM else None
        if reading is None:
            kind, document = parse(decode(content, ledger), budget.limits.max_depth, ledger)
            reading = _read_document(kind, document, ledger, budget)
    except archive.OverBudgetError:
        raise
    except MalformedError as error:
        reading = refused(str(error), ledger, error.hint)
    return msgspec.structs.replace(reading, path=member)


def _fast(content: bytes, ledger: Ledger, budget: Budget) -> Reading | None:
    """The reading of a large SARIF log, or None for anything else."""
    log = outline(content, budget.limits.max_depth)
    del content
    if log is None or not sarif.is_outline_of_sarif(log.log):
        return None
    found = _in_time(sarif.read_outline(log, budget.limits.max_depth, budget.limits.max_text, ledger), budget)
    del log
    return _merged(ledger, sarif.reader, found)


def _read_document(kind: Kind, document: Node, ledger: Ledger, budget: Budget) -> Reading:
    """Raises MalformedError if nobody can read the document."""
    if kind == "json" and document.value in (None, []):
        ledger.warn("an empty report: which tool wrote it can't be told")
        return settle(ledger, None, 0, ())
    if kind == "text" and is_page(document.value) and not registry.claimants(kind, document):
        return Reading(status="not_a_report", reason="a page for people (HTML or Markdown), not a machine's report")
    reader = registry.reader_for(kind, document)
    ledger.tool = reader.tool or reader.name
    max_text = budget.limits.max_text
    found = (finished(problem, ledger, reader.name, max_text) for problem in reader.read(document, ledger))
    return _merged(ledger, reader, _in_time(found, budget))


def _in_time(findings: Iterator[Finding], budget: Budget) -> list[Finding]:
    """Raises OverBudgetError when reading them takes too long."""
    kept: list[Finding] = []
    while some := list(itertools.islice(findings, 1000)):
        kept += some
        budget.check_time()
    return kept


def _merged(ledger: Ledger, reader: Reader, findings: list[Finding]) -> Reading:
    return settle(ledger, reader, len(findings), merge(findings))


def settle(ledger: Ledger, reader: Reader | None, records: int, kept: Collection[Finding]) -> Reading:
    """Closes the books of a report: `records` stated a problem, `kept` is what they were merged to."""
    if not records and not ledger.left_out and set(ledger.skipped) == {"malformed"}:
        return refused(f"none of its {ledger.skipped['malformed']} records can be read", ledger)
    if reader and reader.kind == "json" and not records and not ledger.skipped and not ledger.statements:
        ledger.warn("there is no list of findings in it: this is no statement that nothing was found")
    seen = records + ledger.left_out
    warnings = ledger.told()
    status: Status = "scan_failed" if ledger.failed else "parsed_with_warnings" if warnings else "parsed"
    return Reading(
        status=status,
        tool=ledger.tool,
        tool_version=ledger.tool_version,
        format=reader.name if reader else None,
        books=Books(seen=seen, kept=len(kept), merged=records - len(kept), left_out=ledger.left_out),
        skipped=dict(sorted(ledger.skipped.items())),
        findings=kept,
        reason=ledger.failed,
        warnings=warnings,
    )


def refused(reason: str, ledger: Ledger | None = None, hint: str | None = None) -> Reading:
    return Reading(status="quarantined", reason=reason, hint=hint, warnings=ledger.told() if ledger else ())
