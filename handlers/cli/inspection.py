"""How a reading is shown: as the JSON that other programs take, or as a page for a person."""

from __future__ import annotations

import heapq
import textwrap
from collections import Counter
from collections.abc import Collection, Iterator

import msgspec

from handlers.readers import Reading
from handlers.readers.folder import leaves
from handlers.records import SEVERITIES, Finding, Location
from handlers.terminal import json_bytes

READ = ("parsed", "parsed_with_warnings", "not_a_report")
WORST = 10
MOST_LINES = 20
"""Files, reasons and warnings that the page lists before it only counts them."""


def all_read(reading: Reading) -> bool:
    """Every report was read. A file that is no report is fine inside an archive or folder, but not by itself."""
    if reading.members is None:
        return reading.status in READ[:2]
    return bool(reading.members) and all(leaf.status in READ for leaf in leaves(reading))


# JSON


def document(reading: Reading) -> Iterator[bytes]:
    """One JSON document and a newline, in pieces: never are all findings in memory at once."""
    if reading.members is None:
        yield from _file(reading, _head(reading))
    else:
        yield _open(_head(reading)) + b',"files":['
        for number, leaf in enumerate(leaves(reading)):
            yield b"," if number else b""
            yield from _file(leaf, {"path": leaf.path, **_head(leaf)})
        yield b"]}"
    yield b"\n"


def _file(reading: Reading, head: dict[str, object]) -> Iterator[bytes]:
    yield _open(head) + b',"findings":['
    for number, finding in enumerate(reading.findings):
        yield (b"," if number else b"") + json_bytes(_finding(finding))
    yield b"]}"


def _open(head: dict[str, object]) -> bytes:
    """The object without its closing brace."""
    return json_bytes(head)[:-1]


def _head(reading: Reading) -> dict[str, object]:
    return {
        "status": reading.status,
        "tool": reading.tool,
        "tool_version": reading.tool_version,
        "format": reading.format,
        "books": reading.books,
        "skipped": reading.skipped,
        "reason": reading.reason,
        "warnings": reading.warnings,
    }


def _finding(finding: Finding) -> dict[str, object]:
    """A finding as it is, but for `occurrences`, which becomes their number."""
    return {**msgspec.to_builtins(finding), "occurrences": len(finding.occurrences)}


# the page


def summary(reading: Reading) -> Iterator[str]:
    """What a person wants to know first, line by line."""
    if reading.members:
        yield from _files(list(leaves(reading)))
    elif reading.format:
        yield f"{reading.tool} {reading.tool_version or ''}".strip() + f" ({reading.format})"
    yield f"{reading.status}{': ' + reading.reason if reading.reason else ''}"
    if reading.hint:
        yield f"  what to do: {reading.hint}"
    books = reading.books
    if reading.parsed or books.seen:
        seen = _many(books.seen, "problem")
        yield f"{seen} seen = {books.kept} kept + {books.merged} merged + {books.left_out} left out"
    yield from (f"  skipped {count}: {reason}" for reason, count in reading.skipped.items())
    yield from _counts(reading.findings)
    yield from _worst(reading.findings)
    yield from _warnings(reading)


def _files(files: list[Reading]) -> Iterator[str]:
    """How many there are of each status; the first of them, those that were not read before the others."""
    statuses = Counter(each.status for each in files)
    yield f"{_many(len(files), 'file')}: " + ", ".join(f"{count} {status}" for status, count in statuses.most_common())
    for each in sorted(files, key=lambda each: (each.parsed, each.status == "not_a_report"))[:MOST_LINES]:
        what = f"{_many(each.books.seen, 'problem')}, {each.tool}" if each.parsed else each.reason or ""
        yield f"  {each.path}: {each.status} ({what})"
    if len(files) > MOST_LINES:
        yield f"  and {len(files) - MOST_LINES} more"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _counts(findings: Collection[Finding]) -> Iterator[str]:
    if not findings:
        return
    classes = sorted({finding.class_ for finding in findings})
    table = Counter((finding.severity, finding.class_) for finding in findings)
    widths = [max(len(name), 6) for name in classes]
    yield ""
    yield "          " + "  ".join(f"{name:>{width}}" for name, width in zip(classes, widths, strict=True))
    for severity in SEVERITIES:
        row = [table[severity, name] for name in classes]
        if any(row):
            cells = (f"{count or '-':>{width}}" for count, width in zip(row, widths, strict=True))
            yield f"{severity:10}" + "  ".join(cells)
    suppressed = sum(finding.suppressed for finding in findings)
    if suppressed:
        yield f"{suppressed} of them suppressed"


def _worst(findings: Collection[Finding]) -> Iterator[str]:
    ranked = heapq.nsmallest(WORST, findings, key=lambda each: (each.suppressed, SEVERITIES.index(each.severity)))
    if ranked:
        yield ""
        yield f"the worst {len(ranked)}:"
    for finding in ranked:
        where = place(finding.locations[0]) if finding.locations else ""
        what = textwrap.shorten(finding.title, 90, placeholder="…")
        package = f" [{finding.package.name} {finding.package.version or ''}]" if finding.package else ""
        mark = " (suppressed)" if finding.suppressed else ""
        yield f"  {finding.severity:8} {finding.rule_id or '-'}: {what}{package} {where}".rstrip() + mark


def place(location: Location) -> str:
    """`path:line`, a URL, or a symbol."""
    where = location.path or location.url or location.symbol or ""
    return f"{where}:{location.line}" if location.line else where


def _warnings(reading: Reading) -> Iterator[str]:
    told = [line for leaf in leaves(reading) for line in leaf.warnings]
    if told:
        yield ""
        yield "warnings:"
        yield from (f"  {line}" for line in told[:MOST_LINES])
    if len(told) > MOST_LINES:
        yield f"  and {len(told) - MOST_LINES} more (--json lists them all)"
